"""How the drain, the database and the tasks are doing, as metrics."""

from collections.abc import Iterator

from django.db.models import Count, Max, Q
from django_q.models import Task
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from cpa_usage.management.commands.plantasks import OURS
from usage.models import DeadLetter, Gap
from usage.ops.incidents import KINDS
from usage.ops.notices import SEVERITIES, Watch, is_alive
from usage.ops.storage import database_bytes

COUNTERS = {
    "records_stored": ("total_inserted", "Records stored."),
    "records_duplicate": ("total_deduped", "Records that were stored already."),
    "records_dead": ("total_decode_errors", "Records that could not be read and became dead letters."),
    "records_too_late": ("total_too_late", "Records older than the kept detail, which became dead letters."),
    "records_folded": ("total_folded", "Records whose labels were too many and went to (other)."),
    "batches_popped": ("batches_popped", "Batches taken from CPA's queue."),
}
MOMENTS = {
    "heartbeat": ("heartbeat_at", "The drain's last sign of life."),
    "last_pop": ("last_pop_at", "When CPA's queue was last read."),
    "last_stored": ("last_inserted_at", "When a record was last stored."),
    "proved": ("proved_at", "When the totals were last compared with their events."),
}


def state_families() -> Iterator[Metric]:
    """All of these metrics; a time without a value is left out."""
    watched = Watch()
    yield from _drain(watched)
    yield from _troubles(watched)
    yield _gauge("database_bytes", "The database on disk.", database_bytes())
    yield from _tasks()


def _drain(watched):
    state = watched.state
    for name, (field, text) in COUNTERS.items():
        yield CounterMetricFamily(f"cpa_usage_{name}", text, getattr(state, field))
    for name, (field, text) in MOMENTS.items():
        if moment := getattr(state, field):
            yield _gauge(f"{name}_timestamp_seconds", text, moment.timestamp())
    yield _gauge("lag_seconds", "From the arrival to the commit of the last batch.", state.lag_ms / 1000)
    yield _gauge("spool_files", "Batches that were popped and are not stored yet.", state.spool_files)
    yield _gauge("spool_bytes", "What they take on the disk.", state.spool_bytes)
    yield _gauge("drain_alive", "Whether the drain gave a sign of life lately.", is_alive(state, watched.now))
    yield _gauge("ready", "Whether records are consumed: what /readyz says.", watched.ready)
    modes = {mode: mode == state.mode for mode in ("pop", "subscribe", "http")}
    yield _gauge("queue_mode", "How the drain reads CPA's queue.", modes, "mode")


def _troubles(watched):
    gaps = Gap.objects.aggregate(standing=Count("id", filter=Q(dismissed_at=None)), dismissed=Count("dismissed_at"))
    yield _gauge("gaps", "Spans in which records may have been lost.", gaps, "state")
    lasting = {kind: kind in watched.incidents for kind in KINDS}
    yield _gauge("incidents", "What is wrong by kind: 1 while it lasts.", lasting, "kind")
    severities = [notice.severity for notice in watched.notices]
    notices = {severity: severities.count(severity) for severity in SEVERITIES}
    yield _gauge("notices", "What pages and /api/v1/notices list.", notices, "severity")
    yield _gauge("dead_letters", "Records kept whole because they could not be stored.", DeadLetter.objects.count())


def _tasks():
    """Kept results of tasks. Only some of the successes are kept, so these are gauges, not counters."""
    names = ["task", "result"]
    results = GaugeMetricFamily("cpa_usage_task_results", "Kept results of periodic tasks.", labels=names)
    last = GaugeMetricFamily("cpa_usage_task_last_timestamp_seconds", "When it last ended so.", labels=names)
    rows = Task.objects.filter(group__startswith=OURS).order_by("group").values_list("group", "success")
    for group, success, count, stopped in rows.annotate(count=Count("id"), last=Max("stopped")):
        labels = [group.removeprefix(OURS), "success" if success else "failure"]
        results.add_metric(labels, count)
        last.add_metric(labels, stopped.timestamp())
    yield from (results, last)


def _gauge(name, text, values, label=None):
    """A number, or one for each value of a label."""
    family = GaugeMetricFamily(f"cpa_usage_{name}", text, labels=[label] if label else [])
    for value, number in values.items() if label else [(None, values)]:
        family.add_metric([value] if label else [], float(number))
    return family
