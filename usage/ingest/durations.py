"""Histograms of latency and time to first token: counted while events are stored, and counted again from events.

Only attempts that succeeded count: a refusal within a millisecond says nothing about how long answers take. Hours are
UTC, so in zones off by a part of an hour the kept detail begins within one: histograms begin with the next.
"""

from collections import defaultdict
from collections.abc import Iterable

from usage.models import COUNTS, Duration, Event
from usage.models.histograms import BUCKETS, bucket_of
from usage.time.periods import whole_hour
from usage.time.units import HOUR_S, HOUR_US, SECOND_US

LATENCY, TTFT = Duration.Kind.LATENCY.value, Duration.Kind.TTFT.value
COLUMNS = {LATENCY: "latency_ms", TTFT: "ttft_ms"}
Key = tuple[int, int, int]  # hour in seconds, model id, kind
Rows = dict[Key, list[int]]


def count(records: Iterable, models: dict[str, int]) -> Rows:
    """The histograms of fresh records."""
    rows = _none_yet()
    for r in records:
        if not r.failed:
            hour, model = r.timestamp // HOUR_US * HOUR_S, models[r.model]
            if r.latency_ms > 0:
                rows[hour, model, LATENCY][bucket_of(r.latency_ms)] += 1
            if r.ttft_ms > 0:
                rows[hour, model, TTFT][bucket_of(r.ttft_ms)] += 1
    return rows


def _none_yet() -> Rows:
    return defaultdict(lambda: [0] * BUCKETS)


def counted(start: int, end: int) -> Rows:
    """The histograms that the events of the hours beginning in [start, end) seconds make."""
    rows = _none_yet()
    first, after = whole_hour(start), whole_hour(end)
    for kind, column in COLUMNS.items():
        events = Event.objects.between(first * SECOND_US, after * SECOND_US).by_duration(column)
        for hour, model, bucket, number in events:
            rows[hour, model, kind][bucket] += number
    return rows


def stored(start: int, end: int) -> Rows:
    """The histograms kept of the hours beginning in [start, end) seconds."""
    found = Duration.objects.between(whole_hour(start), whole_hour(end))
    return {row[:3]: list(row[3:]) for row in found.values_list("bucket", "model", "kind", *COUNTS)}
