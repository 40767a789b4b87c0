"""How long answers took: percentiles of latency and time to first token, by model."""

from typing import Annotated

from msgspec import Meta, Struct

from pricing.models import Model
from usage.ingest import durations
from usage.models import Duration, Event
from usage.models.histograms import BUCKETS, bounds_of, percentile
from usage.query.filters import UsageFilter
from usage.query.reader import events_from
from usage.query.snapshots import snapshot
from usage.time.clock import now_us
from usage.time.periods import rfc3339_utc
from usage.time.units import HOUR_S, SECOND_US

COUNTED_FROM_EVENTS = 7 * 24 * HOUR_S * SECOND_US  # µs: what a filter by more than models is answered of
BY_MODEL = {"model__name__in", "failed"}


class Percentiles(Struct, frozen=True, kw_only=True):
    """How long something took, ms; null when nothing was measured."""

    count: Annotated[int, Meta(description="Successful attempts that were measured.")]
    p50: int | None
    p95: int | None
    p99: int | None
    distribution: Annotated[list[int], Meta(description="Attempts in each of the buckets.")]


class ModelLatency(Struct, frozen=True, kw_only=True):
    """How long the answers of a model took."""

    model: str
    latency: Percentiles
    ttft: Percentiles


class Latency(Struct, frozen=True, kw_only=True):
    """How long answers took, most measured models first."""

    items: list[ModelLatency]
    bounds: Annotated[list[tuple[int, int | None]], Meta(description="Half-open bounds of the buckets, ms.")]
    measured_from: Annotated[str | None, Meta(description="Start of what was looked at; null for all that is kept.")]


@snapshot()
def latency(asked: UsageFilter) -> Latency:
    """Percentiles of each model's latency and time to first token; failed attempts do not count.

    Asked about models alone, it covers the whole hours (UTC) that the period touches, as far as detail is kept. Asked
    about anything else it counts the events of the period's last seven days.
    """
    kept_from = events_from() or 0
    if _by_model(asked):
        start = _first_hour(asked, kept_from) * SECOND_US
        sums = _summed(histograms(asked).summed("model", "kind"))
    else:
        start = max(asked.period.start or 0, kept_from, (asked.period.end or now_us()) - COUNTED_FROM_EVENTS)
        sums = _from_events(asked, start)
    models = dict(Model.objects.filter(id__in=sums).values_list("id", "name"))
    found = [
        ModelLatency(model=models[id], latency=percentiles(rows[0]), ttft=percentiles(rows[1]))
        for id, rows in sums.items()
    ]
    return Latency(
        items=sorted(found, key=lambda row: (-row.latency.count, row.model)),
        bounds=[bounds_of(bucket) for bucket in range(BUCKETS)],
        measured_from=rfc3339_utc(start // SECOND_US) if start else None,
    )


def histograms(asked: UsageFilter):
    """The histograms (a QuerySet) of the hours that the period touches; None where only events could tell."""
    if not _by_model(asked):
        return None
    start, end = _first_hour(asked, events_from() or 0), asked.period.end
    rows = Duration.objects.between(start, None if end is None else -(-end // SECOND_US))
    return rows.of_models(dict(asked.labels.children).get("model__name__in"))


def _first_hour(asked, kept_from):
    hour = (asked.period.start or 0) // durations.HOUR_US * HOUR_S
    return max(hour, durations.whole_hour(kept_from // SECOND_US))


def _by_model(asked):
    """Whether the histograms can tell: they know models, and of results only success."""
    conditions = dict(asked.labels.children)
    return not asked.of_events and conditions.keys() <= BY_MODEL and not conditions.get("failed")


def _from_events(asked, start):
    sums = {}
    if ("failed", True) in asked.labels.children:
        return sums
    for model, *slots, number in Event.objects.between(start, asked.period.end).matching(asked).by_durations():
        both = sums.setdefault(model, _nothing())
        for counts, slot in zip(both, slots, strict=True):
            if slot is not None:
                counts[slot] += number
    return {model: both for model, both in sums.items() if any(map(any, both))}


def _summed(rows):
    """{model id: [counts of latency, counts of time to first token]}."""
    sums = {}
    for model, kind, *counts in rows:
        both = sums.setdefault(model, _nothing())
        both[kind] = [a + b for a, b in zip(both[kind], counts, strict=True)]
    return sums


def _nothing():
    return [[0] * BUCKETS for _ in durations.COLUMNS]


def percentiles(counts: list[int]) -> Percentiles:
    """Of one histogram."""
    p50, p95, p99 = (percentile(counts, percent) for percent in (50, 95, 99))
    return Percentiles(count=sum(counts), p50=p50, p95=p95, p99=p99, distribution=counts)
