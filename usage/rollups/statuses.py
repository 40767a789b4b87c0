"""Failures as they were stored before their status was a label, told apart by it: once, at a start of the drain."""

from django.db import transaction

from cpa_usage.sqlite import wal
from pricing.book import PriceBook
from usage.ingest.cuts import Cuts
from usage.ingest.writer import day_of
from usage.models import Day, DrainState, Quarter, Series
from usage.rollups.rebuild import edges_of
from usage.rollups.recosting import cost_anew, relabel
from usage.time.units import SECOND_US


def tell_apart() -> int:
    """Move kept failures of all statuses in one to series of their status, with their totals; how many days had any.

    A day a transaction: totals are right after each, and what was cut off goes on at the next start. What is older than
    the kept detail stays without a status, for no event tells it any more.
    """
    days, cuts = _untold_days(), Cuts()
    for day in days:
        with transaction.atomic():
            DrainState.lock()
            _tell_apart(day, cuts)
        wal.cut_back()
    return len(days)


def _untold_days() -> list[int]:
    events_from = DrainState.load().events_from or 0
    untold = Quarter.objects.filter(series__in=Series.objects.untold(), requests__gt=0)
    return sorted({day_of(bucket) for bucket in untold.between(events_from // SECOND_US, None).buckets()})


def _tell_apart(day, cuts):
    untold, span = Series.objects.untold(), (day, day + 1)
    relabel(untold, None, span, cuts)
    cost_anew(Series.objects.filter(failed=True), PriceBook.current(), [span], cuts)
    empty = {"series__in": untold, "requests": 0}
    Quarter.objects.between(*edges_of(day)).filter(**empty).delete()
    Day.objects.between(*span).filter(**empty).delete()
