"""A period compared to the equal one before it."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from msgspec import Meta, Struct

from usage.analytics.answers import Summary, summary_of
from usage.analytics.latency import Speeds, speeds
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.clock import now_us
from usage.time.periods import Period, date_of, day_start, local_day
from usage.time.units import QUARTER_US, SECOND_US


class Comparison(Struct, frozen=True, kw_only=True):
    """A period and the one before it, up to the same point; null where nothing lies before."""

    current: Summary
    previous: Summary | None
    current_speeds: Speeds
    previous_speeds: Speeds | None
    previous_start: Annotated[int | None, Meta(description="µs since the epoch, UTC.")]
    previous_end: int | None


@snapshot()
def comparison(filters: UsageFilter) -> Comparison:
    """The period so far, and as much of the one before."""
    before = previous(filters.period, now_us(), settings.TIME_ZONE)
    filters_before, reader = before and filters.with_period(before), Reader.of(filters)
    return Comparison(
        current=summary_of(reader.total()),
        previous=before and summary_of(reader.within(before).total()),
        current_speeds=speeds(filters),
        previous_speeds=filters_before and speeds(filters_before),
        previous_start=before and before.start,
        previous_end=before and before.end,
    )


def previous(period: Period, now: int, zone: str) -> Period | None:
    """The equal period before, cut where `now` lies in this one; whole local days go back by days, not by hours."""
    if period.start is None or period.start >= now:
        return None
    now = now // QUARTER_US * QUARTER_US
    end = now if period.end is None else period.end
    so_far = max(min(end, now), period.start + 1)
    start, until = (_back(moment, period.start, end, zone) for moment in (period.start, so_far))
    return Period(start, until) if 0 <= start < until else None


def _back(moment, start, end, zone):
    first, after, day = (local_day(each // SECOND_US, zone) for each in (start, end, moment))
    midnights = [day_start(date_of(each), zone) * SECOND_US for each in (first, after, day, day - after + first)]
    if midnights[:2] != [start, end]:  # not whole days
        return moment - (end - start)
    return midnights[3] + moment - midnights[2]


def against(found: Comparison) -> str:
    """What a change is measured against, in words."""
    if found.previous is None:
        return ""
    zone = ZoneInfo(settings.TIME_ZONE)
    moments = (datetime.fromtimestamp(us // SECOND_US, zone) for us in (found.previous_start, found.previous_end))
    start, end = (date_format(moment, _("M j, H:i")) for moment in moments)
    return _("against %(start)s to %(end)s") % {"start": start, "end": end}
