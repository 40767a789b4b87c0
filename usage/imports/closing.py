"""Imported events that are older than the kept detail become totals of whole local days, and go."""

from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from pricing.book import PriceBook
from usage.ingest.costs import PRICES_FROM, Costs
from usage.ingest.labelvalues import LabelTotals
from usage.ingest.statements import upsert
from usage.ingest.writer import UNPRICED
from usage.models import COUNTED, Day, DrainState, Event, Import, ImportedDay, LabelDay, Series
from usage.rollups.counting import edges_of
from usage.rollups.imported import note
from usage.rollups.retention import Slices
from usage.time.periods import local_day
from usage.time.units import SECOND_US


def waiting(job: Import):
    """Stored events of an import that are older than the kept detail; they are in no total yet."""
    return Event.objects.between(None, job.events_from or 0).filter(imported=job.id)


def close_days(job: Import, slices: Slices, together: list[int]):
    """Count what is older than the kept detail, a day a transaction, and remove it; a cut-off run can be repeated.

    A day that got totals since the import began stays as it is, but for those of imports that were stored `together`.
    """
    totals = LabelTotals()
    while (oldest := waiting(job).order_by("timestamp").first()) is not None:
        day = local_day(oldest.timestamp // SECOND_US, settings.TIME_ZONE)
        start, end = (edge * SECOND_US for edge in edges_of(day))
        events = waiting(job).between(start, end)
        counted = _count(job, day, events, totals, together)
        removed = slices.delete(events, "timestamp")
        left_out = {} if counted else {"left_out": removed, "events": -removed, "older": -removed}
        job.change({"waiting": -removed} | left_out)


@transaction.atomic
def _count(job, day, events, totals, together) -> bool:
    """Add the events of a day to its totals, and note what was added; False where the day has totals from elsewhere."""
    DrainState.lock()
    theirs, requests = ImportedDay.objects.filter(imported__in=together, bucket=day), Sum("requests", default=0)
    if theirs.filter(imported=job.id).exists():
        return True  # the run that did so was cut off
    if Day.objects.filter(bucket=day).aggregate(n=requests) != theirs.aggregate(n=requests):
        return False
    rows = priced_day(day, events.measured("series_id"))
    upsert(Day, rows)
    upsert(LabelDay, totals.fold(rows))
    note(day, [(job.id, series, *row[: len(COUNTED)]) for (_, series), row in rows.items()])
    return True


def cost_of(job: Import, between: Callable[[], object]) -> tuple[int, int]:
    """The cost of the events of an import by today's prices (pico-USD), and how many of their tokens have no price.

    `between` is called after each day, for there may be years of them.
    """
    cost, unpriced = 0, 0
    first, last = (local_day(edge // SECOND_US, settings.TIME_ZONE) for edge in (job.first or 0, job.last or -1))
    for day in range(first, last + 1):
        start, end = (edge * SECOND_US for edge in edges_of(day))
        kept = Event.objects.between(start, end).filter(imported=job.id).measured("series_id")
        gone = ImportedDay.objects.filter(imported=job.id, bucket=day).sums_of(COUNTED, "series_id")
        for rows in map(partial(priced_day, day), (kept, gone)):
            cost += sum(row[PRICES_FROM] for row in rows.values())
            unpriced += sum(row[PRICES_FROM + 1] for row in rows.values())
        between()
    return cost, unpriced


def priced_day(day: int, counted) -> dict[tuple[int, int], list[int]]:
    """Rows of Day by (day, series), from (series id, *COUNTED), with what they cost today."""
    rows = {(day, series): [*row, *UNPRICED] for series, *row in counted}
    costs = Costs(PriceBook.current())
    costs.learn(Series.objects.filter(id__among=sorted(series for _, series in rows)))
    for (_, series), row in rows.items():
        costs.fill(series, day, row)
    return rows
