"""Priced sums of single events: for partial buckets, and for filters that only events can answer."""

from django.conf import settings

from pricing.book import PriceBook
from usage.ingest.costs import Costs
from usage.models import Event, Series
from usage.models.querysets import EventQuerySet
from usage.query.filters import UsageFilter
from usage.query.snapshots import once
from usage.time.periods import local_day

price_book = once(PriceBook.current)


@once
def partial_buckets(filters: UsageFilter, start: int | None, end: int | None) -> list[tuple[int, int, list[int]]]:
    """(quarter hour in seconds, series id, measures) of the events of [start, end) µs."""
    return priced(Event.objects.between(start, end).matching(filters).by_quarter(), "bucket")


def priced(events: EventQuerySet, moment: str, per_second: int = 1) -> list[tuple[int, int, list[int]]]:
    """(moment, series id, measures) of events; `moment` is a column, of which so many are a second."""
    rows = list(events.measured(moment, "series_id"))
    costs, zone = Costs(price_book()), settings.TIME_ZONE
    costs.learn(Series.objects.filter(id__among=sorted({row[1] for row in rows})))
    found = []
    for at, series_id, *counted in rows:
        measures = [*counted, 0, 0]
        costs.fill(series_id, local_day(at // per_second, zone), measures)
        found.append((at, series_id, measures))
    return found
