"""How long answers took: percentiles of latency and time to first token (TTFT), by model, of all, and over time.

They come from histograms, which add up over hours and models as percentiles do not.
"""

from bisect import bisect_right
from typing import Annotated

from django.conf import settings
from django.db.models import F
from msgspec import Meta, Struct

from cpa_usage.http.lists import Listing, totals_of
from pricing.models import Model
from usage.analytics.overview import covered_seconds
from usage.ingest.durations import COLUMNS, LATENCY, TTFT, counted_by
from usage.models import COUNTS, Duration, Event
from usage.models.histograms import BUCKETS, bounds_of, percentile
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.largest import MOST
from usage.query.reader import Reader, events_from
from usage.query.snapshots import once, snapshot
from usage.query.sums import add_up
from usage.time.clock import now_us
from usage.time.periods import day_start, local_date, rfc3339_utc, whole_hour
from usage.time.units import DAY_S, DAY_US, HOUR_S, HOUR_US, SECOND_US

COUNTED_FROM_EVENTS_US = 7 * DAY_US  # where a filter asks for more than models
FEW_EVENTS = 50_000  # of a period: all of them are counted
BY_HOUR_S = 8 * DAY_S + HOUR_S  # longer periods show their days; one of them may have 25 hours


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


class Latency(Listing, frozen=True, kw_only=True):
    """How long answers took, most measured models first."""

    items: list[ModelLatency]
    bounds: Annotated[list[tuple[int, int | None]], Meta(description="Half-open bounds of the buckets, ms.")]
    measured_from: Annotated[str | None, Meta(description="Start of what was looked at; null for all that is kept.")]


class Speeds(Struct, frozen=True):
    """Of all models together; null medians where nothing was measured."""

    ttft: Percentiles
    latency: Percentiles
    measured_from: Annotated[str | None, Meta(description="Start of what was looked at; null for all of the period.")]


class Medians(Struct, frozen=True, kw_only=True):
    """The median of each hour or day of a period, ms; empty where events alone could tell."""

    latency_ms: list[int | None]
    ttft_ms: list[int | None]


@snapshot()
def latency(filters: UsageFilter, limit: int = MOST) -> Latency:
    """Percentiles by model: of whole hours of the period without a filter or with one by models alone, else of events.

    If the period has very many events of any kind, these are the events of its last seven days.
    """
    start, sums, count = _by_model(filters, limit)
    models = dict(Model.objects.filter(id__in={model for model, _ in sums}).values_list("id", "name"))
    nothing = [0] * BUCKETS
    found = [
        ModelLatency(
            model=name,
            latency=percentiles(sums.get((id, LATENCY), nothing)),
            ttft=percentiles(sums.get((id, TTFT), nothing)),
        )
        for id, name in models.items()
    ]
    found.sort(key=lambda row: (-row.latency.count, row.model))
    return Latency(
        items=found[:limit],
        bounds=[bounds_of(bucket) for bucket in range(BUCKETS)],
        measured_from=rfc3339_utc(start // SECOND_US) if start else None,
        totals=totals_of(items=(count or len(found), found[:limit])),
    )


@snapshot()
def speeds(filters: UsageFilter) -> Speeds:
    """Percentiles of all models together, of what latency() looks at."""
    (start, rows), over_time = _measured(filters), _over_time(filters)
    sums = _counted(rows) if over_time is None else over_time
    totals = add_up((kind, counts) for (*_, kind), counts in sums.items())
    is_part = start > (filters.period.start or 0)
    since = rfc3339_utc(start // SECOND_US) if is_part else None
    return Speeds(*(percentiles(totals.get(kind, [])) for kind in (TTFT, LATENCY)), since)


@snapshot()
def medians(filters: UsageFilter) -> Medians:
    """Medians by hour, or by day if the period is longer than eight days."""
    over_time = _over_time(filters)
    if over_time is None:
        return Medians(latency_ms=[], ttft_ms=[])
    start, end = covered_seconds(filters.period)
    origin, step = _grid(start, end)
    # Days are 24 hours from the first midnight: a sparkline shows no change of clocks.
    places = range((min(end, now_us() // SECOND_US) - origin + step - 1) // step)
    found = {key: percentile(counts, 50) for key, counts in over_time.items()}
    return Medians(**{column: [found.get((place, kind)) for place in places] for kind, column in COLUMNS.items()})


def latency_counts(filters: UsageFilter, starts: list[int]) -> list[list[int]]:
    """Histograms of latency: of the hours that begin from each of these seconds to the next, and of all of them."""
    rows = _measured(filters)[1]
    hours = _summed(rows, "bucket") if rows.model is Duration else counted_by(rows.by_hour(), "hour")
    sums = add_up((bisect_right(starts, hour) - 1, row) for (hour, kind), row in hours.items() if kind == LATENCY)
    found = [sums.get(place, [0] * BUCKETS) for place in range(len(starts) - 1)]
    return [*found, [sum(column) for column in zip(*found, strict=True)]]


def percentiles(counts: list[int]) -> Percentiles:
    """The percentiles of one histogram."""
    p50, p95, p99 = (percentile(counts, percent) for percent in (50, 95, 99))
    return Percentiles(count=sum(counts), p50=p50, p95=p95, p99=p99, distribution=counts)


def _by_model(filters, limit) -> tuple[int, dict[tuple[int, int], list[int]], int]:
    """(where it begins in µs, {(model id, kind): histogram}, how many models are known; 0: these are all).

    Of many models, histograms of the most measured ones.
    """
    start, rows = _measured(filters)
    count = 0
    if rows.model is Duration and Reader.of(filters).is_flooded(LABELS["model"].column):
        most = list(rows.most_measured()[:limit])
        count = most[0][-1] if most else 0
        rows = rows.filter(model__in=[model for model, *_ in most])
    return start, _counted(rows, "series__model"), count


def _counted(rows, *by) -> dict:
    """{(model id, kind): histogram} of what was measured; of events {(*by, kind): histogram}."""
    return _summed(rows, "model") if rows.model is Duration else counted_by(rows, *by)


def _measured(filters):
    """(where it begins in µs, histograms or, where these cannot tell, the events: none where none succeeded)."""
    kept_from = events_from() or 0
    if (rows := _histograms(filters)) is not None:
        return _first_hour(filters, kept_from) * SECOND_US, rows
    start = max(filters.period.start or 0, kept_from)
    if filters.values_of("result") == (True,):
        return start, Event.objects.none()
    if not _are_few(filters.period):
        now = now_us()
        start = max(start, min(filters.period.end or now, now) - COUNTED_FROM_EVENTS_US)
    return start, Event.objects.between(start, filters.period.end).matching(filters)


def _are_few(period):
    """Whether a period has few events of any kind: these are looked through, whatever is filtered by."""
    return sum(counts[0] for counts in Reader.of(UsageFilter(period)).kept().counts_per_day().values()) <= FEW_EVENTS


@once
def _over_time(filters) -> dict[tuple[int, int], list[int]] | None:
    """{(hour or day of the grid, kind): histogram of all models}; None where events alone could tell."""
    covered, rows = covered_seconds(filters.period), _histograms(filters)
    if covered is None or rows is None:
        return None
    origin, step = _grid(*covered)
    return _summed(rows.annotate(slot=(F("bucket") - origin) / step), "slot")


def _grid(start, end):
    """(start of the first hour or day, its length) in seconds."""
    if end - start <= BY_HOUR_S:
        return start // HOUR_S * HOUR_S, HOUR_S
    return day_start(local_date(start, settings.TIME_ZONE), settings.TIME_ZONE), DAY_S


def _histograms(filters):
    """The histograms of the hours that the period touches; None where they cannot tell.

    They know models, and successes only.
    """
    labels = dict(filters.labels)
    if filters.of_events or labels.keys() - {"model", "not_model", "result"} or labels.get("result") == (True,):
        return None
    start, end = _first_hour(filters, events_from() or 0), filters.period.end
    rows = Duration.objects.between(start, None if end is None else -(-end // SECOND_US))
    return rows.of_models(labels.get("model"), labels.get("not_model", ()))


def _first_hour(filters, kept_from):
    hour = (filters.period.start or 0) // HOUR_US * HOUR_S
    return max(hour, whole_hour(kept_from // SECOND_US))


def _summed(rows, by):
    return {(key, kind): counts for key, kind, *counts in rows.sums_of(COUNTS, by, "kind")}
