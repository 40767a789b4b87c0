"""Histograms of latency and time to first token: counted while events are stored, and counted again from events.

Only attempts that succeeded count: a refusal within a millisecond says nothing about how long answers take. Hours are
UTC, so in zones off by a part of an hour the kept detail begins within one: histograms begin with the next.
"""

from collections import defaultdict
from collections.abc import Iterable

from usage.models import Duration
from usage.models.histograms import BUCKETS, bucket_of
from usage.time.units import HOUR_S, HOUR_US

LATENCY, TTFT = Duration.Kind.LATENCY.value, Duration.Kind.TTFT.value
COLUMNS = {LATENCY: "latency_ms", TTFT: "ttft_ms"}
Rows = dict[tuple[int, int, int], list[int]]  # by hour in seconds, model id and kind


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


def counted_by(events, *by: str) -> dict[tuple, list[int]]:
    """The histograms that events make, by (*by, kind)."""
    rows = _none_yet()
    for *key, latency, ttft, number in events.by_durations(*by):
        for kind, bucket in ((LATENCY, latency), (TTFT, ttft)):
            if bucket is not None:
                rows[*key, kind][bucket] += number
    return rows
