"""Whether the days of a bill agree better with those of another time zone."""

from collections import Counter

from django.conf import settings

from usage.analytics.reconciliation.records import measured_by_quarter
from usage.query.filters import UsageFilter
from usage.reconcile.bills import Bill
from usage.reconcile.naming import identity
from usage.time.periods import local_day

# One for each usual distance from UTC; those in which providers and their customers count days come first.
TRIED = (
    *("UTC", "America/Los_Angeles", "America/New_York", "Asia/Shanghai", "Europe/Berlin", "Asia/Tokyo", "Asia/Kolkata"),
    *("Pacific/Honolulu", "America/Anchorage", "America/Denver", "America/Chicago", "America/Sao_Paulo"),
    *("Europe/London", "Europe/Moscow", "Asia/Dubai", "Asia/Karachi", "Asia/Dhaka", "Asia/Bangkok"),
    *("Australia/Sydney", "Pacific/Auckland"),
)
BETTER = 0.5  # a zone must halve the difference before it is proposed


def better_zone(filters: UsageFilter, bill: Bill) -> str | None:
    """The zone with days in which our records agree much better with the bill; "" for none.

    None where it cannot be tried: without days or kept detail, or where the bill counts moments on days of any zone.
    """
    if not bill.by_day or bill.of_moments or bill.first == bill.last:
        return None
    measure = "total" if "total" in bill.said else "cost"
    models = {identity(model) for _, model in bill.cells} if bill.with_models else None
    quarters = measured_by_quarter(filters, bill, measure, models)
    if quarters is None:
        return None
    billed = Counter()
    for (day, _), amounts in bill.cells.items():
        billed[day] += float(getattr(amounts, measure) or 0)
    apart = {zone: _apart(quarters, billed, zone) for zone in (bill.zone, *TRIED, settings.TIME_ZONE)}
    best = min(apart, key=apart.get)
    return best if apart[best] < BETTER * apart[bill.zone] else ""


def _apart(quarters, billed, zone):
    """The sum of the differences of all days of the bill."""
    ours = Counter()
    for at, size in quarters.items():
        ours[local_day(at, zone)] += size
    return sum(abs(ours[day] - size) for day, size in billed.items())
