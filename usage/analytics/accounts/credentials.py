"""Totals by upstream account, with what CPA says about it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from msgspec import Meta

from catalog import models as catalog
from cpa_usage.http.lists import Listing, totals_of
from usage.analytics.accounts.fees import NO_FEE, Fee, fees_of
from usage.analytics.analysis import most_first
from usage.analytics.answers import Figures, figures, instant
from usage.models import Day, Event, LabelDay, LabelQuarter, Quarter, Series
from usage.query.filters import UsageFilter
from usage.query.largest import MOST, largest, most_of
from usage.query.reader import Reader
from usage.query.snapshots import once, snapshot
from usage.rollups.counting import edges_of
from usage.time.periods import quarters, rfc3339_utc
from usage.time.units import SECOND_US

ACCOUNT = ("source", "source_display", "auth_index")  # columns of Series that tell accounts apart
Account = tuple[str, str, str]
accounts_of_cpa = once(catalog.accounts)
QUARTERS_AT_ONCE = 200  # of a query: SQLite refuses a condition of a thousand parts
Spent = dict[int, Sequence[int]]  # quarter hour in seconds -> requests, failed, pico-USD


class Credential(Figures, frozen=True, kw_only=True):
    """One account: an auth file or a provider's key."""

    source: str
    source_display: str
    auth_index: str
    name: str
    email: str
    provider: str
    status: str
    last_seen: Annotated[str | None, Meta(description="Second of its newest kept attempt, in the period or not.")]
    fee_account: Annotated[str, Meta(description="The name under which a fee of this account is entered.")]
    fee_usd_per_month: Annotated[float | None, Meta(description="Its monthly fee of today; null without one.")]
    fee_usd: Annotated[
        float | None,
        Meta(description="Its fee for the days of the period; null without one, and for a part of its use."),
    ]


class Credentials(Listing, frozen=True, kw_only=True):
    """Accounts, most requests first."""

    items: list[Credential]
    detail_from: str | None


@snapshot()
def credentials(filters: UsageFilter, limit: int = MOST) -> Credentials:
    """The period by upstream account, with what CPA says about it."""
    reader = Reader.of(filters)
    rows, count = _per_account(reader, limit)
    known = accounts_of_cpa()
    seen = last_seen(reader)
    found = most_first(rows)
    fees = fees_of(filters, [(source, auth_index) for (source, _, auth_index), _ in found])
    items = [
        credential(account, known.get(account[2]), seen.get(account), fee, **figures(row))
        for (account, row), fee in zip(found, fees, strict=True)
    ]
    return Credentials(items=items, detail_from=instant(reader.events_from), totals=totals_of(items=(count, items)))


def credential(account: Account, about, seen: int | None, fee: Fee = NO_FEE, **measures) -> Credential:
    """An account with what CPA says about it and the second of its newest kept attempt, where there are these."""
    return Credential(
        **dict(zip(ACCOUNT, account, strict=True)),
        **{name: getattr(about, name, "") for name in ("name", "email", "provider", "status")},
        last_seen=None if seen is None else rfc3339_utc(seen),
        **fee._asdict(),
        **measures,
    )


def _per_account(reader, limit) -> tuple[dict[Account, list[int]], int]:
    """Measures of the period by account, of those with most requests, and how many accounts there are."""
    if accounts := _by_source(reader.filters):
        found = {accounts[source]: row for (source,), row in reader.by("source").items()}
        return {account: found[account] for account in most_of(found, limit)}, len(found)
    found = largest(reader, ACCOUNT, "requests", limit)
    return found.rows, found.count


@once
def last_seen(reader: Reader) -> dict[Account, int]:
    """The second of the newest kept attempt of each account, in any period."""
    newest = _newest_of_series(reader)
    seen: dict[Account, int] = {}
    for series, *account in Series.objects.filter(id__among=sorted(newest)).values_list("id", *ACCOUNT):
        seen[tuple(account)] = max(seen.get(tuple(account), 0), newest[series] // SECOND_US)
    return seen


def _newest_of_series(reader) -> dict[int, int]:
    """The newest kept attempt (µs) of each series that an account used in the last quarter hour of its use.

    The totals know the last day of each account, and the last quarter hour of such a day; only their events are read,
    which the index by time finds.
    """
    days, columns, _ = _totals(reader.filters, LabelDay, Day)
    last = sorted({day for *_, day in days.filter(requests__gt=0).newest(*columns)})
    of_last = [start for day in last for start in quarters(*edges_of(day))]
    rows, *_ = _totals(reader.filters, LabelQuarter, Quarter)
    rows = rows.filter(requests__gt=0, bucket__among=of_last).between((reader.events_from or 0) // SECOND_US, None)
    starts = sorted({start for *_, start in rows.newest(*columns)})
    events = Event.objects.matching(replace(reader.filters, message=None, request_id=""))
    parts = [starts[first : first + QUARTERS_AT_ONCE] for first in range(0, len(starts), QUARTERS_AT_ONCE)]
    return dict(row for part in parts for row in events.of_quarters(part).newest("series_id"))


def spent_per_quarter(filters: UsageFilter, since: int) -> dict[tuple[str, str], Spent]:
    """By (source, auth_index) the quarter hours from `since` (seconds) on, in any period."""
    rows, columns, account_of = _totals(filters, LabelQuarter, Quarter)
    spent: dict[tuple[str, str], Spent] = {}
    sums = rows.between(since, None).sums_of(("requests", "failed", "cost"), *columns, "bucket")
    for *names, bucket, requests, failed, cost in sums:
        source, _, auth_index = account_of(*names)
        spent.setdefault((source, auth_index), {})[bucket] = (requests, failed, cost)
    return spent


def _totals(filters, of_sources, of_series):
    """Totals of all time, the columns that tell accounts apart, and what makes them accounts."""
    if accounts := _by_source(filters):
        rows = of_sources.objects.of_label("source")
        return rows, ["label_value__value"], lambda source: accounts.get(source, (source, "", ""))
    rows = of_series.objects.matching(filters)
    return rows, [f"series__{name}" for name in ACCOUNT], lambda *account: account


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
