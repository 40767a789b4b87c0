"""An import is taken back: its events, what they added to every total, and what it added to days without events.

Every step is a transaction after which totals equal events; an undo that was cut off is begun again.
"""

from django.db import transaction

from pricing.book import PriceBook
from usage.imports.closing import priced_day
from usage.ingest.attempts import siblings_from
from usage.ingest.costs import Costs
from usage.ingest.durations import counted_by
from usage.ingest.finality import settle_stored
from usage.ingest.labelvalues import LabelTotals
from usage.ingest.statements import upsert
from usage.ingest.writer import UNPRICED, add_to_rollups, count, negated
from usage.models import COUNTED, Day, DrainState, Duration, Event, Import, ImportedDay, LabelDay, Series
from usage.rollups.forgetting import forget_zeros
from usage.rollups.retention import ROWS_AT_ONCE, Slices

LATER_DAYS = 3  # in which an attempt of the same request can have ended, as far as its mark is mended
NOTHING = dict.fromkeys(
    ("position", "events", "older", "waiting", "known", "differing", "left_out", "dead", "cost", "unpriced"), 0
) | {"source_cost": 0.0, "first": None, "last": None}


def undo(job: Import, slices: Slices):
    """Take an import back. What came by the drain too stays; so do names, prices and dead letters."""
    totals, start = LabelTotals(), job.first
    while start is not None:
        start = _take_some(job, start, totals)
        slices.between(0)
    while (row := ImportedDay.objects.filter(imported=job.id).order_by("bucket").first()) is not None:
        _take_day(job, row.bucket, totals)
        slices.between(0)
    forget_zeros(slices.between)


def begin_again(job: Import, slices: Slices):
    """Take back what an unfinished import has stored: it begins at the start of its file."""
    job.change(position=0)  # also when this is cut off
    undo(job, slices)
    job.change(**NOTHING)


@transaction.atomic
def _take_some(job, start, totals) -> int | None:
    """Remove a few thousand events, the oldest from `start` (µs) on; returns from where on to look for others."""
    since = DrainState.lock().events_from or 0
    found = Event.objects.between(start, job.last + 1).filter(imported=job.id)
    times = list(found.order_by("timestamp").values_list("timestamp", flat=True)[:ROWS_AT_ONCE])
    if not times:
        return None
    events = found.filter(timestamp__lte=times[-1])
    kept = events.filter(timestamp__gte=since)  # the others are in no total
    quarters = {row[:2]: [*row[2:], *UNPRICED] for row in kept.by_quarter().measured("bucket", "series_id")}
    durations = counted_by(kept.by_hour(), "hour", "series__model")
    ids = list(events.exclude(request_id="").order_by().values_list("request_id", flat=True).distinct())
    events.delete()
    days = range(siblings_from(times[0]), siblings_from(times[-1]) + LATER_DAYS)
    marks = count([], [], [], [mark for mark in settle_stored({days: ids}) if mark[0] >= since])
    costs = Costs(PriceBook.load())
    costs.learn(Series.objects.filter(id__among=sorted({series for _, series in quarters})))
    add_to_rollups(quarters, costs, totals, sign=-1)
    add_to_rollups(marks, costs, totals)
    upsert(Duration, negated(durations))
    return times[-1]


@transaction.atomic
def _take_day(job, day, totals):
    """Subtract what it added to a local day whose events are not kept."""
    DrainState.lock()
    added = ImportedDay.objects.filter(imported=job.id, bucket=day)
    rows = priced_day(day, added.sums_of(COUNTED, "series_id"))
    upsert(Day, negated(rows))
    upsert(LabelDay, negated(totals.fold(rows)))
    added.delete()
