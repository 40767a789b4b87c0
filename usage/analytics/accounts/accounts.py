"""Accounts with what they used, how the last day went for each, and how much of its quota is left."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, structs

from cpa_usage.http.lists import Listing, totals_of
from usage.analytics.accounts.credentials import spent_per_quarter
from usage.analytics.accounts.folding import Account, Folded, Quota, folded, paid_and_yielded
from usage.analytics.accounts.quotas import LEAST, windows
from usage.analytics.accounts.spending import first_costs, merged, spent_since
from usage.analytics.answers import PICO, Cell, instant
from usage.models import LimitReading, PastReading
from usage.query.filters import UsageFilter
from usage.query.snapshots import snapshot
from usage.time.clock import now_us
from usage.time.periods import rfc3339_utc, rfc3339_utc_us
from usage.time.units import DAY_S, QUARTER_S, SECOND_US

HALF_HOUR_S = 1800
SHOWN = 100  # accounts, where no other number is asked for: each has a strip of cells
STRIP_CELLS = 48  # a day of half hours
WEEK_S = 7 * DAY_S


class Limit(Struct, frozen=True, kw_only=True):
    """A window of an account, among those of all accounts."""

    account: Annotated[str, Meta(description="The account's id.")]
    called: str
    quota: Quota


class Accounts(Listing, frozen=True, kw_only=True):
    """Accounts, most requests first unless they are sorted otherwise."""

    items: list[Account]
    next_out: Annotated[Limit | None, Meta(description="The window that runs out next, where any does.")]
    fullest: Annotated[Limit | None, Meta(description="The window of most use that is not used up.")]
    used_up: list[Limit]
    fee_usd: Annotated[
        float | None, Meta(description="Fees for the days of the period, of all that are found; null without any.")
    ]
    fee_yield_usd: Annotated[float | None, Meta(description="Cost, by list prices, of what those were used for.")]


def used_of(account: Account, name: str = "") -> float:
    """The largest share used of the windows of that name, or of all, that count all models; -1 without any."""
    live = (quota.window for quota in account.quotas if quota.window.seconds and not quota.over)
    return max((each.used for each in live if not name or (each.name == name and not each.family)), default=-1)


SORTS: dict[str, Callable[[Account], object]] = {
    "name": lambda account: account.called.lower(),
    "provider": lambda account: account.provider,
    "plan": lambda account: account.plan,
    "requests": lambda account: account.about.total,
    "failed": lambda account: account.about.failed / (account.about.total or 1),
    "cost": lambda account: account.about.cost,
    "limit": used_of,
    "5h": lambda account: used_of(account, "5h"),
    "7d": lambda account: used_of(account, "7d"),
    "last_used": lambda account: account.about.last_seen or "",
    "status": lambda account: account.about.status,
}
ORDERS = [sign + name for name in SORTS for sign in ("", "-")]


@snapshot()
def accounts(
    filters: UsageFilter, limit: int = SHOWN, q: str = "", sort: str = "-requests", history: bool = True
) -> Accounts:
    """Usage of the period by account, unused accounts included; strips and quotas are of the present, and quotas count
    all requests. Of more than `limit` accounts the busiest; without `history` quotas come without it."""
    found = [each for each in folded(filters) if q.lower() in each.words]
    items = filled(filters, found[:limit], history)
    items.sort(key=SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    fee, fee_yield = paid_and_yielded(each.account for each in found)
    return Accounts(
        items=items,
        **_limits(items),
        fee_usd=fee,
        fee_yield_usd=fee_yield,
        totals=totals_of(items=(len(found), items)),
    )


def _limits(items):
    """Which windows run out next, and which are used up."""
    live = [
        Limit(account=each.id, called=each.called, quota=quota)
        for each in items
        for quota in each.quotas
        if quota.window.seconds and quota.resets_at and not quota.over
    ]
    going = [each for each in live if each.quota.runs_out_at]
    left = [each for each in live if each.quota.window.used < 1]
    return {
        "next_out": min(going, key=lambda each: each.quota.runs_out_at, default=None),
        "fullest": max(left, key=lambda each: each.quota.window.used, default=None),
        "used_up": sorted((each for each in live if each not in left), key=lambda each: each.quota.resets_at),
    }


class _Read(NamedTuple):
    """What is read of all accounts at once; times in µs and seconds, `spent` by (source, auth_index)."""

    now: int
    recent: dict
    spent: dict
    readings: dict
    past: dict
    firsts: dict


def filled(filters: UsageFilter, found: list[Folded], history: bool = True) -> list[Account]:
    """Accounts with their strips and quotas."""
    now = now_us()
    since = (now // SECOND_US - WEEK_S) // QUARTER_S * QUARTER_S
    indexes = {index for each in found for index in each.account.auth_indexes}
    recent = spent_per_quarter(filters, since)
    said = list(LimitReading.objects.filter(auth_index__among=sorted(indexes)))
    begun = {window.begun_at for each in said for window in windows(each.headers, each.seen_at)} - {None}
    read = _Read(
        now,
        recent,
        spent_per_quarter(UsageFilter(filters.period), since) if filters.labels or filters.of_events else recent,
        {reading.auth_index: reading for reading in said},
        _past(now // SECOND_US - WEEK_S, indexes) if history else {},
        first_costs(indexes, {at for at in begun if at >= now - WEEK_S * SECOND_US}),
    )
    return [_filled(each, read) for each in found]


def _filled(each: Folded, read: _Read) -> Account:
    indexes = each.account.auth_indexes
    own = {(row.source, row.auth_index) for row in each.rows}
    strip = _strip(merged(read.recent, own), read.now // SECOND_US)
    return structs.replace(each.account, strip=strip, quotas=_quotas(indexes, read))


def _strip(quarters, now):
    end = now // HALF_HOUR_S * HALF_HOUR_S + HALF_HOUR_S
    cells = []
    for start in range(end - STRIP_CELLS * HALF_HOUR_S, end, HALF_HOUR_S):
        inside = [quarters.get(start + part, (0, 0, 0)) for part in range(0, HALF_HOUR_S, QUARTER_S)]
        cells.append(Cell(rfc3339_utc(start), sum(n for n, _, _ in inside), sum(bad for _, bad, _ in inside)))
    return cells


def _past(since, indexes):
    """{(auth_index, family and name of the window): [share used]}, oldest first."""
    found: dict[tuple, list] = {}
    readings = PastReading.objects.filter(hour__gte=since, auth_index__among=sorted(indexes)).order_by(
        "auth_index", "hour"
    )
    for auth_index, headers, seen_at in readings.values_list("auth_index", "headers", "seen_at"):
        for window in windows(headers, seen_at):
            found.setdefault((auth_index, window.family, window.name), []).append(window.used)
    return found


def _quotas(indexes, read):
    """Each window of an account as it was last heard of, by whichever of its indexes."""
    newest: dict[tuple, tuple] = {}
    readings = sorted((read.readings[index] for index in indexes if index in read.readings), key=lambda r: r.seen_at)
    for reading in readings:
        for window in windows(reading.headers, reading.seen_at):
            newest[window.family, window.name] = window, reading
    quarters = merged(read.spent, [key for key in read.spent if key[1] in indexes]) if newest else {}
    firsts = [first for index in indexes for first in read.firsts.get(index, ())]
    return [_quota(window, reading, read, quarters, firsts) for window, reading in newest.values()]


def _quota(window, reading, read, quarters, firsts):
    return Quota(
        window=window,
        seen_at=rfc3339_utc_us(reading.seen_at),
        resets_at=instant(window.resets_at),
        over=window.resets_at is not None and window.resets_at <= read.now,
        runs_out_at=instant(window.runs_out_at(read.now)),
        history=read.past.get((reading.auth_index, window.family, window.name), []),
        usd_per_percent=_price_of_percent(window, reading.seen_at, read.now, quarters, firsts),
    )


def _price_of_percent(window, seen_at, now, quarters, firsts):
    """US dollars; None where too little is used to tell, and where it is not known what the window counts."""
    begun = window.begun_at
    if window.family or begun is None or window.used < LEAST or begun < now - WEEK_S * SECOND_US:
        return None
    pico = spent_since(begun, seen_at, quarters, firsts)
    return pico / PICO / (window.used * 100) if pico else None
