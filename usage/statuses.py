"""Failures as they were stored before their status was a label, told apart by it: once, at a start of the drain."""

from django.db import transaction

from pricing.book import PriceBook
from usage.cuts import Cuts
from usage.models import DrainState, Quarter, Series
from usage.recosting import cost_anew, relabel, weeks_of


def tell_apart() -> bool:
    """Move kept failures of all statuses in one to series of their status, with their totals; whether there were any.

    What is older than the kept detail stays without a status, for no event tells it any more. One transaction: half of
    it would be wrong.
    """
    untold = Series.objects.untold()
    if not Quarter.objects.filter(series__in=untold, requests__gt=0).exists():
        return False
    with transaction.atomic():
        DrainState.lock()
        weeks, cuts = list(weeks_of(untold)), Cuts()
        for days in weeks:
            relabel(untold, None, days, cuts)
        cost_anew(Series.objects.filter(failed=True), PriceBook.load(), weeks, cuts)
    return True
