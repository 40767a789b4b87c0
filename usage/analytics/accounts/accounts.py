"""Accounts with what they used, how the last day went for each, and how much of its quota is left."""

from typing import Annotated

from msgspec import Meta, Struct

from cpa_usage.http.lists import Listing
from usage.analytics.accounts.credentials import Credential, credentials, spent_per_quarter
from usage.analytics.accounts.quotas import Window, windows
from usage.analytics.answers import PICO, Cell, instant
from usage.models import MEASURES, LimitReading, PastReading
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.clock import now_us
from usage.time.periods import Period, rfc3339_utc, rfc3339_utc_us
from usage.time.units import DAY_S, QUARTER_S, QUARTER_US, SECOND_US

HALF_HOUR_S = 1800
SHOWN = 100  # accounts, where no other number is asked for: each has a strip of cells
STRIP_CELLS = 48  # a day of half hours
WEEK_S = 7 * DAY_S
COST = MEASURES.index("cost")


class Quota(Struct, frozen=True, kw_only=True):
    """A window of an account's quota, and what filling a hundredth of it cost."""

    window: Window
    seen_at: Annotated[str, Meta(description="When the upstream said so.")]
    resets_at: str | None
    over: Annotated[bool, Meta(description="The window has ended since; nothing newer is known.")]
    history: Annotated[list[float], Meta(description="Share used, by hour of the last week in which it changed.")]
    usd_per_percent: Annotated[
        float | None,
        Meta(description="Cost since the window began, by hundredth used; null where models have their own."),
    ]


class Account(Struct, frozen=True, kw_only=True):
    """One upstream account."""

    about: Credential
    strip: Annotated[list[Cell], Meta(description="The last 24 hours in half hours, whatever the period.")]
    quotas: list[Quota]


class Accounts(Listing, frozen=True, kw_only=True):
    """Accounts, most requests first."""

    items: list[Account]
    fee_usd: Annotated[float | None, Meta(description="Their fees for the days of the period; null without any.")]
    fee_yield_usd: Annotated[float | None, Meta(description="Cost, by list prices, of what those were used for.")]


@snapshot()
def accounts(filters: UsageFilter, limit: int = SHOWN) -> Accounts:
    """Usage of the period by account; strips and quotas are those of the present, and quotas count all requests."""
    answer = credentials(filters, limit)
    found = answer.items
    indexes = {about.auth_index for about in found}
    now = now_us() // SECOND_US
    since = (now - WEEK_S) // QUARTER_S * QUARTER_S
    recent = spent_per_quarter(filters, since)
    spent = _costs(spent_per_quarter(UsageFilter(filters.period), since) if filters.labels else recent)
    said = LimitReading.objects.filter(auth_index__among=sorted(indexes - {""}))
    readings = {reading.auth_index: reading for reading in said}
    past = _past(now - WEEK_S, readings)
    with_fee = [about for about in found if about.fee_usd]
    return Accounts(
        fee_usd=sum(about.fee_usd for about in with_fee) if with_fee else None,
        fee_yield_usd=sum(about.cost for about in with_fee) if with_fee else None,
        items=[
            Account(
                about=about,
                strip=_strip(recent.get((about.source, about.auth_index), {}), now),
                quotas=_quotas(readings.get(about.auth_index), spent.get(about.auth_index, {}), past, now),
            )
            for about in found
        ],
        totals=answer.totals,
    )


def _strip(quarters, now):
    end = now // HALF_HOUR_S * HALF_HOUR_S + HALF_HOUR_S
    cells = []
    for start in range(end - STRIP_CELLS * HALF_HOUR_S, end, HALF_HOUR_S):
        inside = [quarters.get(start + part, (0, 0, 0)) for part in range(0, HALF_HOUR_S, QUARTER_S)]
        cells.append(Cell(rfc3339_utc(start), sum(n for n, _, _ in inside), sum(bad for _, bad, _ in inside)))
    return cells


def _costs(spent):
    """{auth_index: {quarter hour in seconds: pico-USD}}, whatever the source was called."""
    costs: dict[str, dict[int, int]] = {}
    for (_, auth_index), quarters in spent.items():
        of_account = costs.setdefault(auth_index, {})
        for quarter, (_, _, cost) in quarters.items():
            of_account[quarter] = of_account.get(quarter, 0) + cost
    return costs


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


def _quotas(reading, costs, past, now):
    if reading is None:
        return []
    return [
        Quota(
            window=window,
            seen_at=rfc3339_utc_us(reading.seen_at),
            resets_at=instant(window.resets_at),
            over=window.resets_at is not None and window.resets_at // SECOND_US <= now,
            history=past.get((reading.auth_index, window.family, window.name), []),
            usd_per_percent=_price_of_percent(window, reading, costs, now),
        )
        for window in windows(reading.headers, reading.seen_at)
    ]


def _price_of_percent(window, reading, costs, now):
    """US dollars; None where too little is used to tell, and where it is not known what the window counts."""
    if window.family or not window.seconds or window.resets_at is None or window.used < 0.01:
        return None
    start = window.resets_at - window.seconds * SECOND_US
    if start < (now - WEEK_S) * SECOND_US:
        return None
    first = -(-start // QUARTER_US) * QUARTER_S
    whole = sum(cost for quarter, cost in costs.items() if first <= quarter <= reading.seen_at // SECOND_US)
    pico = whole + _cost_between(reading.auth_index, start, first * SECOND_US)
    return pico / PICO / (window.used * 100) if pico else None


def _cost_between(auth_index, start, end):
    """What an account cost in [start, end) µs of a quarter hour: the sum of its events. Pico-USD."""
    if start == end:
        return 0
    return Reader.of(UsageFilter(Period(start, end), labels=(("auth_index", (auth_index,)),))).total()[COST]
