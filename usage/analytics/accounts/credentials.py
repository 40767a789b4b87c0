"""Totals by upstream account, with what CPA says about it."""

from typing import Annotated

from msgspec import Meta, Struct

from catalog.models import accounts as accounts_of_cpa
from usage.analytics.analysis import most_first
from usage.analytics.answers import Figures, figures, instant
from usage.models import LabelQuarter, Quarter, Series
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import once, snapshot
from usage.time.periods import rfc3339_utc
from usage.time.units import SECOND_US

ACCOUNT = ("source", "source_display", "auth_index")  # columns of Series that tell accounts apart
Account = tuple[str, str, str]
Spent = dict[int, list[int]]  # quarter hour in seconds -> requests, failed, pico-USD
SPENT = ("requests", "failed", "cost")


class Credential(Figures, frozen=True, kw_only=True):
    """One account: an auth file or a provider's key."""

    source: str
    source_display: str
    auth_index: str
    name: str
    email: str
    provider: str
    status: str
    last_seen: Annotated[str | None, Meta(description="Start of its newest kept quarter hour, in the period or not.")]


class Credentials(Struct, frozen=True, kw_only=True):
    """Accounts, most requests first."""

    items: list[Credential]
    detail_from: str | None


@snapshot()
def credentials(filters: UsageFilter) -> Credentials:
    """The period by upstream account, with what CPA says about it."""
    reader = Reader.of(filters)
    rows = _per_account(reader)
    known = accounts_of_cpa([auth_index for _, _, auth_index in rows])
    seen = _last_seen(reader)
    return Credentials(
        items=[_credential(account, row, known, seen) for account, row in most_first(rows)],
        detail_from=instant(reader.events_from),
    )


def _credential(account, row, known, seen):
    source, display, auth_index = account
    about = known.get(auth_index)
    return Credential(
        source=source,
        source_display=display,
        auth_index=auth_index,
        name=about.name if about else "",
        email=about.email if about else "",
        provider=about.provider if about else "",
        status=about.status if about else "",
        last_seen=rfc3339_utc(seen[account]) if account in seen else None,
        **figures(row),
    )


def _per_account(reader) -> dict[Account, list[int]]:
    """Measures of the period by account."""
    if accounts := _by_source(reader.filters):
        return {accounts[source]: row for (source,), row in reader.by("source").items()}
    return reader.by(*ACCOUNT)


def _last_seen(reader) -> dict[Account, int]:
    """The newest kept quarter hour (seconds) of each account, in any period."""
    kept_from = (reader.events_from or 0) // SECOND_US
    if accounts := _by_source(reader.filters):
        rows = LabelQuarter.objects.of_label("source").between(kept_from, None).newest("label_value__value")
        return {accounts[source]: newest for source, newest in rows if source in accounts}
    rows = Quarter.objects.matching(reader.filters).between(kept_from, None)
    return {tuple(account): newest for *account, newest in rows.newest(*(f"series__{name}" for name in ACCOUNT))}


def spent_per_quarter(filters: UsageFilter, since: int) -> dict[tuple[str, str], Spent]:
    """By (source, auth_index) the quarter hours from `since` (seconds) on, in any period."""
    accounts = _by_source(filters)
    if accounts:
        rows = LabelQuarter.objects.of_label("source").between(since, None)
        found = rows.values_list("label_value__value", "bucket", *SPENT)
        rows = ((source, accounts[source][2], *rest) for source, *rest in found if source in accounts)
    else:
        rows = Quarter.objects.matching(filters).between(since, None)
        rows = rows.sums_of(SPENT, "series__source", "series__auth_index", "bucket")
    spent: dict[tuple[str, str], Spent] = {}
    for source, auth_index, bucket, *measures in rows:
        spent.setdefault((source, auth_index), {})[bucket] = measures
    return spent


@once
def _by_source(filters) -> dict[str, Account] | None:
    """The account of each source, to read the kept totals of sources; None where labels are filtered by.

    Also where one source is several accounts.
    """
    if filters.labels or filters.of_events:
        return None
    accounts = set(Series.objects.order_by().values_list(*ACCOUNT).distinct())
    found = {account[0]: account for account in accounts}
    return found if len(found) == len(accounts) else None
