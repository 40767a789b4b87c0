"""Rollups made again from events. Nothing before the kept detail is touched."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min

from pricing.book import PriceBook
from usage.ingest.finality import settle_stored
from usage.ingest.labelvalues import LabelTotals
from usage.ingest.statements import upsert
from usage.models import MEASURES, Day, DrainState, Event, LabelDay, Quarter, Series
from usage.rollups.counting import counted, edges_of, kept_days, stored
from usage.rollups.imported import note_closed
from usage.rollups.recosting import recost
from usage.time.periods import date_of, day_start, local_day
from usage.time.units import SECOND_US


def rebuild() -> Iterator[int]:
    """Recompute finality and every rollup row of the kept days, a day a transaction; yields each day number done."""
    follow_zone()
    with transaction.atomic():
        DrainState.lock()
        settle_stored(_shared_request_ids())
    totals = LabelTotals()
    for day in kept_days():
        with transaction.atomic():
            DrainState.lock()
            if day not in kept_days():  # retention closed it meanwhile: its events go, its totals are history
                continue
            rebuild_day(day, totals)
        yield day
    with transaction.atomic():
        DrainState.lock()
        days = kept_days()
        sum_days(None, days.start if days else None, totals)


def follow_zone() -> bool:
    """Count the local days again if the project's zone is not the one they were counted in; whether it was not.

    Days before the kept detail stay under their calendar date. The detail then begins with a midnight of the new zone;
    what lies between the old and the new beginning is added to the day it belongs to there, so that no total changes.
    Every process that writes calls this at its start. One transaction: a changed zone is rare, and half of it is wrong.
    """
    zone = settings.TIME_ZONE
    if DrainState.load().zone == zone:
        return False
    with transaction.atomic():
        state = DrainState.lock()
        before, state.zone = state.zone, zone
        if before and before != zone:
            _count_days_again(state, before)
        state.save(update_fields=["zone", "events_from"])
    return bool(before)


def _count_days_again(state, before):
    start = state.events_from and state.events_from // SECOND_US
    closed = start and local_day(start, before)
    Day.objects.between(closed, None).delete()
    if start is not None:
        first = local_day(start - 1, settings.TIME_ZONE) + 1
        before, state.events_from = state.events_from, day_start(date_of(first), settings.TIME_ZONE) * SECOND_US
        note_closed(before, state.events_from)
    book = PriceBook.load()
    # Prices change at a midnight, which is another one now; sizes do not, and the days to move them in are gone.
    recost(Series.objects.all(), book, before=book)
    for day in kept_days():
        edges = edges_of(day)
        rows = Quarter.objects.between(max(edges[0], start or 0), edges[1]).sums_of(MEASURES, "series_id")
        upsert(Day, {(day, series_id): measures for series_id, *measures in rows})
    sum_days(closed and closed - 1, None, LabelTotals())


def sum_days(first: int | None, after: int | None, totals: LabelTotals):
    """Make the kept totals of local days [first, after) again from those of series."""
    LabelDay.objects.between(first, after).delete()
    for day in Day.objects.between(first, after).buckets():
        upsert(LabelDay, totals.fold(stored(Day, day, day + 1)))


def _shared_request_ids():
    """Request ids that several events carry, by the UTC days from the first to the last on which these ended."""
    shared = defaultdict(list)
    # The ids are random and nearly as many as the events: to count them a part at a time takes a part of the memory.
    for low, high in pairwise(("", *"123456789abcdef", None)):
        part = Event.objects.filter(request_id__gt=low) if not low else Event.objects.filter(request_id__gte=low)
        if high:
            part = part.filter(request_id__lt=high)
        rows = part.values("request_id").annotate(first=Min("ended_day"), last=Max("ended_day"), n=Count("id"))
        for id, first, last in rows.filter(n__gt=1).order_by().values_list("request_id", "first", "last"):
            shared[range(first, last + 1)].append(id)
    return shared


def rebuild_day(day: int, totals: LabelTotals):
    """Make every rollup row of a kept local day again from its events, in the caller's transaction and lock."""
    for rollup, span, rows in counted(day, totals):
        rollup.objects.between(*span).delete()
        upsert(rollup, rows)
