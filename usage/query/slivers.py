"""Sums of single events, where no total tells: in slivers of a quarter, and under filters that only events know."""

from collections.abc import Iterator

from django.conf import settings

from pricing.book import PriceBook
from usage.ingest.costs import Costs
from usage.models import Event, Series
from usage.query.filters import UsageFilter
from usage.time.periods import days, local_day
from usage.time.units import SECOND_US

Row = tuple[int, int, list[int]]


def by_quarters(asked: UsageFilter, start: int | None, end: int | None) -> list[Row]:
    """(quarter in seconds, series id, measures) of the events of [start, end) µs, priced."""
    events = Event.objects.between(start, end).matching(asked)
    return list(_priced(events.by_quarter().measured("bucket", "series_id")))


def by_days(asked: UsageFilter, start: int | None, end: int | None) -> list[Row]:
    """(first second of the local day, series id, measures) of the same: over a year a tenth of the rows."""
    events, rows = Event.objects.between(start, end).matching(asked), []
    for first, after, length in _equal_days(start, end):
        part = events.between(first * SECOND_US, after * SECOND_US).by_days(first, length)
        rows += part.measured("bucket", "series_id")
    return list(_priced(rows))


def _equal_days(start, end) -> list[tuple[int, int, int]]:
    """(start, end, length of a day) of stretches in which local days are equally long, s; all that has events."""
    kept = Event.objects.order_by("timestamp").values_list("timestamp", flat=True)
    edges = kept.first(), kept.last()
    if None in edges:
        return []
    first, last = max(start or 0, edges[0]), edges[1] if end is None else min(end - 1, edges[1])
    found = []
    for _, begins, ends in days(first // SECOND_US, last // SECOND_US + 1, settings.TIME_ZONE):
        length = ends - begins
        joins = found and found[-1][2] == length
        found.append((found.pop()[0] if joins else begins, ends, length))
    return found


def _priced(rows) -> Iterator[Row]:
    rows = list(rows)
    if not rows:
        return
    costs, zone = Costs(PriceBook.current()), settings.TIME_ZONE
    costs.learn(Series.objects.filter(id__in={row[1] for row in rows}))
    for bucket, series_id, *counted in rows:
        measures = [*counted, 0, 0]
        costs.fill(series_id, local_day(bucket, zone), measures)
        yield bucket, series_id, measures
