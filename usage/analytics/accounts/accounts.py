"""Accounts with what they used, how the last day went for each, and how much of its quota is left."""

from typing import Annotated

from msgspec import Meta, Struct

from usage.analytics.accounts.credentials import Credential, credentials, spent_per_quarter
from usage.analytics.accounts.quotas import Window, windows
from usage.analytics.answers import PICO, Cell, instant
from usage.models import LimitReading, PastReading
from usage.query.filters import UsageFilter
from usage.query.snapshots import snapshot
from usage.time.clock import now_us
from usage.time.periods import rfc3339_utc, rfc3339_utc_us
from usage.time.units import DAY_S, QUARTER_S, SECOND_US

HALF_HOUR_S = 1800
STRIP_CELLS = 48  # a day of half hours
WEEK_S = 7 * DAY_S


class Quota(Struct, frozen=True, kw_only=True):
    """A window of an account's quota, and what filling a hundredth of it cost."""

    window: Window
    seen_at: Annotated[str, Meta(description="When the upstream said so.")]
    resets_at: str | None
    over: Annotated[bool, Meta(description="The window has ended since; nothing newer is known.")]
    history: Annotated[list[float], Meta(description="Share used, by hour of the last week in which it changed.")]
    usd_per_percent: Annotated[float | None, Meta(description="Cost since the window began, by hundredth used.")]


class Account(Struct, frozen=True, kw_only=True):
    """One upstream account."""

    about: Credential
    strip: Annotated[list[Cell], Meta(description="The last 24 hours in half hours, whatever the period.")]
    quotas: list[Quota]


class Accounts(Struct, frozen=True, kw_only=True):
    """Accounts, most requests first."""

    items: list[Account]
    fee_usd: Annotated[float | None, Meta(description="Their fees for the days of the period; null without any.")]
    fee_yield_usd: Annotated[float | None, Meta(description="Cost, by list prices, of what those were used for.")]


@snapshot()
def accounts(filters: UsageFilter) -> Accounts:
    """Usage of the period by account; strips and quotas are those of the present."""
    found = credentials(filters).items
    now = now_us() // SECOND_US
    recent = spent_per_quarter(filters, (now - WEEK_S) // QUARTER_S * QUARTER_S)
    readings = {reading.auth_index: reading for reading in LimitReading.objects.exclude(auth_index="")}
    past = _past(now - WEEK_S)
    with_fee = [about for about in found if about.fee_usd]
    return Accounts(
        fee_usd=sum(about.fee_usd for about in with_fee) if with_fee else None,
        fee_yield_usd=sum(about.cost for about in with_fee) if with_fee else None,
        items=[
            Account(
                about=about,
                strip=_strip(recent.get((about.source, about.auth_index), {}), now),
                quotas=_quotas(readings.get(about.auth_index), recent, past, now),
            )
            for about in found
        ],
    )


def _strip(quarters, now):
    end = now // HALF_HOUR_S * HALF_HOUR_S + HALF_HOUR_S
    cells = []
    for start in range(end - STRIP_CELLS * HALF_HOUR_S, end, HALF_HOUR_S):
        inside = [quarters.get(start + part, (0, 0, 0)) for part in range(0, HALF_HOUR_S, QUARTER_S)]
        cells.append(Cell(rfc3339_utc(start), sum(n for n, _, _ in inside), sum(bad for _, bad, _ in inside)))
    return cells


def _past(since):
    """{(auth_index, name of the window): [share used]}, oldest first."""
    found: dict[tuple, list] = {}
    readings = PastReading.objects.filter(hour__gte=since).order_by("auth_index", "hour")
    for auth_index, headers, seen_at in readings.values_list("auth_index", "headers", "seen_at"):
        for window in windows(headers, seen_at):
            found.setdefault((auth_index, window.name), []).append(window.used)
    return found


def _quotas(reading, recent, past, now):
    if reading is None:
        return []
    spent = [quarters for (_, index), quarters in recent.items() if index == reading.auth_index]
    return [
        Quota(
            window=window,
            seen_at=rfc3339_utc_us(reading.seen_at),
            resets_at=instant(window.resets_at),
            over=window.resets_at is not None and window.resets_at // SECOND_US <= now,
            history=past.get((reading.auth_index, window.name), []),
            usd_per_percent=_price_of_percent(window, reading.seen_at // SECOND_US, spent),
        )
        for window in windows(reading.headers, reading.seen_at)
    ]


def _price_of_percent(window, seen, spent):
    if not window.seconds or window.resets_at is None or window.used < 0.01 or window.seconds > WEEK_S:
        return None
    start = window.resets_at // SECOND_US - window.seconds
    pico = sum(cost for quarters in spent for at, (_, _, cost) in quarters.items() if start <= at <= seen)
    return pico / PICO / (window.used * 100) if pico else None
