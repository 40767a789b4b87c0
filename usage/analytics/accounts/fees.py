"""What accounts cost by the month, for the local days that a period touches."""

from collections import Counter
from datetime import date, timedelta
from typing import NamedTuple

from django.utils.timezone import localdate

from pricing.fees import paid
from pricing.models import AccountFee
from pricing.precedence import latest
from usage.analytics.overview import covered_days
from usage.models.labels import NOT
from usage.query.filters import UsageFilter
from usage.query.snapshots import once

# Filters by any other label leave a part of what an account yields: the whole fee is not the price of that.
OF_ACCOUNTS = {"source", "auth_index", "provider"}
fees_entered = once(AccountFee.objects.by_account)


class Fee(NamedTuple):
    """The name under which a fee of an account is entered; USD per month today and USD for the period, or None."""

    fee_account: str = ""
    fee_usd_per_month: float | None = None
    fee_usd: float | None = None


NO_FEE = Fee()


def fees_of(filters: UsageFilter, accounts: list[tuple[str, ...]]) -> list[Fee]:
    """The fee of each (source, auth_index, perhaps more of its indexes), the busiest first.

    Of accounts that share a name, each has its fee under its auth index; one that stands under the name counts once,
    for the first of them without a fee of its own.
    """
    entered, today = fees_entered(), localdate()
    days = _days(filters) if entered else None
    sharing, taken, found = Counter(source for source, *_ in accounts), set(), []
    for source, *indexes in accounts:
        own = [index for index in indexes if index in entered]
        by_name = source and source not in taken and (source in entered or sharing[source] == 1)
        names = own or [source if by_name else indexes[0]]
        taken.update(names)
        fees = [entered[name] for name in names if name in entered]
        now = [float(fee.usd_per_month) for fee in (latest(each, today) for each in fees) if fee]
        usd = sum(paid(each, *days) for each in fees) if fees and days else None
        found.append(Fee(names[0], sum(now) if now else None, usd))
    return found


def _days(filters) -> tuple[date, date] | None:
    """The first local day that a period touches and the day after its last, up to today; None for no whole account."""
    covered = covered_days(filters.period)
    if (
        covered is None
        or filters.of_events
        or any(name.removeprefix(NOT) not in OF_ACCOUNTS for name, _ in filters.labels)
    ):
        return None
    return covered[0], min(covered[1], localdate()) + timedelta(days=1)
