"""Whether the days of a bill agree better with those of another time zone."""

from collections import defaultdict

from django.conf import settings

from usage.analytics.answers import PICO
from usage.analytics.reconciliation.records import NAMES, per_quarter
from usage.query.filters import UsageFilter
from usage.reconcile.bills import Bill
from usage.reconcile.naming import identity
from usage.time.periods import local_day

USUAL = ("UTC", "America/Los_Angeles", "America/New_York", "Asia/Shanghai")
BETTER = 0.5  # a zone must halve the difference before it is proposed
COST, TOKENS = NAMES.index("cost"), slice(NAMES.index("failed") + 1, NAMES.index("without_tokens"))


def better_zone(filters: UsageFilter, bill: Bill) -> str:
    """The zone with days in which our records agree much better with the bill; "" for none, or without detail."""
    if not bill.by_day or bill.of_moments or bill.first == bill.last:
        return ""
    quarters = per_quarter(filters, bill)
    if not quarters:
        return ""
    with_tokens = any(amounts.total is not None for amounts in bill.cells.values())
    measured = [(at, model, _size(measures, with_tokens)) for (at, model), measures in quarters.items()]
    billed = _billed(bill, with_tokens)
    others = dict.fromkeys((*USUAL, settings.TIME_ZONE))
    apart = {zone: _apart(measured, billed, bill, zone) for zone in (bill.zone, *others)}
    best = min(apart, key=apart.get)
    return best if apart[best] < BETTER * apart[bill.zone] else ""


def _size(measures, with_tokens):
    return sum(measures[TOKENS]) if with_tokens else measures[COST] / PICO


def _billed(bill, with_tokens):
    found: dict = defaultdict(float)
    for (day, model), amounts in bill.cells.items():
        found[day, identity(model)] += float((amounts.total if with_tokens else amounts.cost) or 0)
    return found


def _apart(measured, billed, bill, zone):
    """The sum of all differences of days and models; of models that both sides know."""
    ours: dict = defaultdict(float)
    models = {model for _, model in billed}
    names = {model: identity(model) if bill.with_models else "" for _, model, _ in measured}
    for at, model, size in measured:
        day = local_day(at, zone)
        if bill.first <= day <= bill.last and names[model] in models:
            ours[day, names[model]] += size
    return sum(abs(ours.get(key, 0) - billed.get(key, 0)) for key in {*ours, *billed})
