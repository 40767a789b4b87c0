"""A bill and our records compared: totals, models, days, and the likely reasons of what differs."""

from decimal import Decimal
from typing import Annotated

from django.conf import settings
from django.utils.translation import gettext as _
from msgspec import Meta, Struct

from usage.analytics.reconciliation.pairs import Pair, pairs_of
from usage.analytics.reconciliation.reasons import Known, Reason, factors, reasons, shifted
from usage.analytics.reconciliation.records import gap_days, records
from usage.analytics.reconciliation.zones import better_zone
from usage.query.filters import UsageFilter
from usage.query.snapshots import snapshot
from usage.reconcile.bills import Amounts, Bill
from usage.time.clock import now_us
from usage.time.periods import date_of, local_day
from usage.time.units import SECOND_US

Money = Annotated[Decimal | None, Meta(description="US dollars, exact; null where a side does not know.")]


class Side(Struct, frozen=True, kw_only=True):
    """What one side counts; null where it does not say, all of it where it has nothing at all."""

    requests: int | None = None
    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    total: int | None = None
    cost: Money = None


class Compared(Struct, frozen=True, kw_only=True):
    """Both sides of a model on a day, and how much more the file has."""

    day: str | None
    model: str
    ours: Side
    theirs: Side
    requests: int | None
    tokens: int | None
    cost: Money
    agrees: bool
    reasons: list[Reason]


class Reconciliation(Struct, frozen=True, kw_only=True):
    """A provider's file compared with our records of the same days."""

    title: str
    zone: str
    first: str
    last: str
    by_day: bool
    currency: Annotated[str, Meta(description="Of the file's money when it is not the US dollar; it is left out then.")]
    left_out: Annotated[int, Meta(description="Lines that are about something else than the usage of models.")]
    total: Compared
    models: list[Compared]
    rows: list[Compared]
    notes: list[Reason]


@snapshot()
def reconcile(filters: UsageFilter, bill: Bill) -> Reconciliation:
    """The bill against our records of its days, of the labels of the filter; what differs most comes first."""
    ours = records(filters, bill)
    pairs = pairs_of(bill, ours)
    zone = "" if all(pair.agrees for pair in pairs.rows) else better_zone(filters, bill)
    tried = zone is not None
    known = Known(
        gaps=gap_days(bill),
        today=local_day(now_us() // SECOND_US, bill.zone),
        edges={bill.first, bill.last} if bill.of_moments else set(),
        shifted=set() if tried else shifted(pairs.rows),
        zone=zone or "",
        factors=factors(pairs.rows),
    )
    models = [_compared(pair, known) for pair in pairs.models]
    return Reconciliation(
        title=bill.title,
        zone=bill.zone,
        first=date_of(bill.first).isoformat(),
        last=date_of(bill.last).isoformat(),
        by_day=bill.by_day,
        currency=bill.currency,
        left_out=bill.left_out,
        total=_compared(pairs.total),
        models=sorted(models, key=_by_size),
        rows=[_compared(pair, known) for pair in pairs.rows] if bill.by_day else [],
        notes=_notes(bill, ours, zone, any(pair.theirs is None for pair in pairs.models) and not filters.labels),
    )


def _compared(pair: Pair, known: Known | None = None) -> Compared:
    return Compared(
        day=None if pair.day is None else date_of(pair.day).isoformat(),
        model=pair.model,
        ours=_side(pair.ours.amounts if pair.ours else None),
        theirs=_side(pair.theirs),
        requests=pair.requests,
        tokens=pair.tokens,
        cost=pair.cost,
        agrees=pair.agrees,
        reasons=reasons(pair, known) if known else [],
    )


def _side(amounts: Amounts | None):
    return Side(**amounts._asdict()) if amounts else Side()


def _by_size(row):
    return (-abs(row.cost or 0), -abs(row.tokens or 0), row.model)


def _notes(bill, ours, zone, is_wide):
    """What is to be said about the comparison as a whole."""
    found = []
    if zone:
        text = _("The days of the file agree much better with days in %(zone)s: compare it again in that time zone.")
        found.append(Reason("zone", text % {"zone": zone}))
    if is_wide:
        text = _("All records are compared: choose the provider or the account that the file is of.")
        found.append(Reason("all_records", text))
    if ours.local_before is not None:
        day = date_of(min(ours.local_before, bill.last + 1)).isoformat()
        text = _("Before %(day)s only totals of days in %(ours)s are kept: they stand for days in %(theirs)s.")
        found.append(Reason("local", text % {"day": day, "ours": settings.TIME_ZONE, "theirs": bill.zone}))
    if bill.currency:
        text = _("The file's money is in %(currency)s: only tokens are compared.")
        found.append(Reason("currency", text % {"currency": bill.currency}))
    if bill.left_out:
        text = _("%(count)s lines are no usage of models (other services, credits, taxes) and were left out.")
        found.append(Reason("left_out", text % {"count": f"{bill.left_out:,}"}))
    if not bill.by_day:
        found.append(Reason("long", _("Its lines are about more than a day: only the whole time can be compared.")))
    return found
