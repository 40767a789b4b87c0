"""What people ask first: what the month comes to, what the cache saved, and what a plan yielded."""

from datetime import timedelta
from typing import Annotated

from django.conf import settings
from django.utils.timezone import localdate
from msgspec import Meta, Struct

from usage.analytics.accounts.folding import fees_and_yield
from usage.analytics.answers import PICO, Figures, figures
from usage.analytics.overview import recorded_from
from usage.analytics.tokenclasses import rated
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.clock import now_us
from usage.time.periods import Period, day_start, month_after, rfc3339_utc
from usage.time.units import DAY_US, QUARTER_US, SECOND_US

PACE_US = 7 * DAY_US


class Month(Struct, frozen=True, kw_only=True):
    """The local month of the present, whatever the period."""

    first: Annotated[str, Meta(description="Its first day.")]
    after: Annotated[str, Meta(description="The first day of the next month.")]
    cost: Annotated[float | None, Meta(description="US dollars; null where nothing that was used has a known cost.")]
    forecast: Annotated[
        float | None,
        Meta(description="At its end, at the pace since `pace_from`; null before the second day, and without a cost."),
    ]
    pace_from: Annotated[str | None, Meta(description="Where records are shorter: their start; null: the last 7 days.")]


class Worth(Struct, frozen=True, kw_only=True):
    """Sums in US dollars."""

    month: Month
    cache_read_cost: Annotated[float, Meta(description="What tokens read from a cache cost.")]
    cache_full_cost: Annotated[float, Meta(description="What they would have cost as uncached input.")]
    cache_saved: Annotated[float, Meta(description="The difference.")]
    fee: Annotated[float | None, Meta(description="Fees of accounts for the days of the period; null without any.")]
    fee_yield: Annotated[float | None, Meta(description="Cost, by list prices, of what those accounts were used for.")]


@snapshot()
def worth(filters: UsageFilter) -> Worth:
    """The current month and its forecast; for the period, what the cache saved, and what fees paid for."""
    read, uncached = cache_reads(Reader.of(filters))
    fee, fee_yield = fees_and_yield(filters)
    return Worth(
        month=_month(filters),
        cache_read_cost=read / PICO,
        cache_full_cost=uncached / PICO,
        cache_saved=(uncached - read) / PICO,
        fee=fee,
        fee_yield=fee_yield,
    )


def cache_reads(reader: Reader) -> tuple[int, int]:
    """What tokens read from a cache cost, and what they had cost uncached, at the prices of their days. Pico-USD."""
    read, uncached = 0, 0
    for rates, (tokens,) in rated(reader, ("cache_read",)):
        read += tokens * rates.cache_read
        uncached += tokens * rates.prompt
    return read, uncached


def _month(filters):
    first, now, recorded = localdate().replace(day=1), now_us() // QUARTER_US * QUARTER_US, recorded_from()
    start, second, end = (
        day_start(day, settings.TIME_ZONE) * SECOND_US for day in (first, first + timedelta(days=1), month_after(first))
    )
    week_ago, recorded = now - PACE_US, now if recorded is None else recorded
    reader = Reader.of(filters)
    # Of shorter records all of them; and what is finer than days ends where events are no longer kept.
    since = max(week_ago, recorded, reader.events_from or 0)
    cost, recent = (Figures(**figures(reader.within(Period(*edges)).total())) for edges in ((start, end), (since, now)))
    forecast = None
    if cost.known_cost is not None and now >= second and now - recorded >= DAY_US:
        forecast = cost.cost + recent.cost / (now - since) * (end - now)
    return Month(
        first=str(first),
        after=str(month_after(first)),
        cost=cost.known_cost,
        forecast=forecast,
        pace_from=rfc3339_utc(since // SECOND_US) if since > week_ago else None,
    )
