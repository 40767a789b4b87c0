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
GAUGES = {
    "spool_files": ("spool_files", "Batches that were popped and are not stored yet."),
    "spool_bytes": ("spool_bytes", "What they take on the disk."),
}
MOMENTS = {
    "heartbeat": ("heartbeat_at", "The drain's last sign of life."),
    "last_pop": ("last_pop_at", "When CPA's queue was last read."),
    "last_stored": ("last_inserted_at", "When a record was last stored."),
    "proved": ("proved_at", "When the totals were last compared with their events."),
}
MODES = ("pop", "subscribe", "http")


def state_families() -> Iterator[Metric]:
    """All of them; a moment that never was is left out."""
    watched = Watch()
    yield from _drain(watched)
    yield from _troubles(watched)
    if (size := database_bytes()) is not None:
        yield _gauge("database_bytes", "The database on disk.", size)
    yield from _tasks()


def _drain(watched):
    state = watched.state
    for name, (field, text) in COUNTERS.items():
        yield CounterMetricFamily(f"cpa_usage_{name}", text, getattr(state, field))
    for name, (field, text) in GAUGES.items():
        yield _gauge(name, text, getattr(state, field))
    for name, (field, text) in MOMENTS.items():
        if moment := getattr(state, field):
            yield _gauge(f"{name}_timestamp_seconds", text, moment.timestamp())
    yield _gauge("lag_seconds", "From the arrival to the commit of the last batch.", state.lag_ms / 1000)
    yield _gauge("drain_alive", "Whether the drain gave a sign of life lately.", is_alive(state, watched.now))
    yield _gauge("ready", "Whether records are consumed: what /readyz says.", watched.ready)
    modes = {(mode,): mode == state.mode for mode in MODES}
    yield _labelled("queue_mode", "How the drain reads CPA's queue.", ["mode"], modes)


def _troubles(watched):
    gaps = Gap.objects.aggregate(all=Count("id"), standing=Count("id", filter=Q(dismissed_at=None)))
    states = {("standing",): gaps["standing"], ("dismissed",): gaps["all"] - gaps["standing"]}
    yield _labelled("gaps", "Spans in which records may have been lost.", ["state"], states)
    lasting = {(kind,): kind in watched.incidents for kind in KINDS}
    yield _labelled("incidents", "What is wrong by kind: 1 while it lasts.", ["kind"], lasting)
    severities = [notice.severity for notice in watched.notices]
    notices = {(severity,): severities.count(severity) for severity in SEVERITIES}
    yield _labelled("notices", "What pages and /api/v1/notices list.", ["severity"], notices)
    yield _gauge("dead_letters", "Records kept whole because they could not be stored.", DeadLetter.objects.count())


def _tasks():
    """Of all kept results: successes are few, so these are no counters."""
    names = ["task", "result"]
    results = GaugeMetricFamily("cpa_usage_task_results", "Kept results of periodic tasks.", labels=names)
    last = GaugeMetricFamily("cpa_usage_task_last_timestamp_seconds", "When it last ended so.", labels=names)
    rows = Task.objects.filter(group__startswith=OURS).order_by("group").values_list("group", "success")
    for group, success, count, stopped in rows.annotate(count=Count("id"), last=Max("stopped")):
        labels = [group.removeprefix(OURS), "success" if success else "failure"]
        results.add_metric(labels, count)
        last.add_metric(labels, stopped.timestamp())
    yield from (results, last)


def _gauge(name, text, value):
    return GaugeMetricFamily(f"cpa_usage_{name}", text, float(value))


def _labelled(name, text, labels, values):
    family = GaugeMetricFamily(f"cpa_usage_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family
