"""Sums of single events, priced: of partial buckets, and under filters that only events know."""

from django.conf import settings

from pricing.book import PriceBook
from usage.ingest.costs import Costs
from usage.models import Event, Series
from usage.query.filters import UsageFilter
from usage.query.snapshots import once
from usage.time.periods import local_day


@once
def partial_buckets(filters: UsageFilter, start: int | None, end: int | None) -> list[tuple[int, int, list[int]]]:
    """(quarter hour in seconds, series id, measures) of the events of [start, end) µs."""
    events = Event.objects.between(start, end).matching(filters)
    rows = list(events.by_quarter().measured("bucket", "series_id"))
    costs, zone = Costs(PriceBook.current()), settings.TIME_ZONE
    costs.learn(Series.objects.filter(id__among=sorted({row[1] for row in rows})))
    found = []
    for bucket, series_id, *counted in rows:
        measures = [*counted, 0, 0]
        costs.fill(series_id, local_day(bucket, zone), measures)
        found.append((bucket, series_id, measures))
    return found
