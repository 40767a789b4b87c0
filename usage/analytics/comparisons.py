"""A period compared with an earlier one: the equal one before it, or the same days of the week before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from django.conf import settings
from msgspec import Meta, Struct

from usage.analytics.answers import Summary, summary_of
from usage.analytics.latency import Speeds, speeds
from usage.analytics.overview import recorded_from
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.clock import now_us
from usage.time.periods import Period, date_of, day_start, local_day, month_after, whole_days
from usage.time.units import QUARTER_US, SECOND_US

COMPARED = PREVIOUS, WEEK, NONE = "previous", "week", "none"
WEEK_DAYS = 7


class Comparison(Struct, frozen=True, kw_only=True):
    """A period and an earlier one, up to the same point; null unless all of that lies after the first record."""

    current: Summary
    previous: Summary | None
    current_speeds: Speeds
    previous_speeds: Speeds | None
    previous_start: Annotated[int | None, Meta(description="µs since the epoch, UTC.")]
    previous_end: int | None


@snapshot()
def comparison(filters: UsageFilter, compare: str = PREVIOUS) -> Comparison:
    """The period so far, and as much of the period before (`previous`) or of the same days weeks before (`week`)."""
    before, reader = earlier(filters.period, now_us(), settings.TIME_ZONE, compare), Reader.of(filters)
    before = before if before and is_counted(before, reader) else None
    filters_before = before and filters.with_period(before)
    return Comparison(
        current=summary_of(reader.total()),
        previous=before and summary_of(reader.within(before).total()),
        current_speeds=speeds(filters),
        previous_speeds=filters_before and speeds(filters_before),
        previous_start=before and before.start,
        previous_end=before and before.end,
    )


def is_counted(before: Period, reader: Reader) -> bool:
    """Whether all of it is counted: from the first record on, and its parts of days where quarters are kept."""
    since, zone = known_from(reader), settings.TIME_ZONE
    parts = [edge for edge in (before.start, before.end) if edge != _midnight(local_day(edge // SECOND_US, zone), zone)]
    return since is not None and before.start >= since and all(edge >= (reader.events_from or 0) for edge in parts)


def known_from(reader: Reader, is_fine: bool = False) -> int | None:
    """From when on (µs) a period can be compared: all of it, as a part is no measure of it. None before any record.

    What only events know ends where they are no longer kept, and so does what is finer than days.
    """
    since = recorded_from()
    if since is not None and (is_fine or reader.filters.of_events):
        return max(since, reader.events_from or 0)
    return since


def earlier(period: Period, now: int, zone: str, compare: str = PREVIOUS) -> Period | None:
    """The period to compare with, cut where `now` (µs) lies in this one; None where nothing can lie before.

    Of a month that is not over the one before may be shorter; of one that is, all of the month before counts.
    """
    if compare == NONE or period.start is None or period.start >= now:
        return None
    end = end_of(period, now)
    back = way_back(period.start, end, zone, compare)
    start, until = back(period.start), min(back(min(end, now)), period.start)
    if compare == PREVIOUS and end <= now and whole_days(period, zone):
        until = period.start
    return Period(start, until) if 0 <= start < until else None


def end_of(period: Period, now: int) -> int:
    """The end of a period in µs; of an open one that of the quarter hour of `now`."""
    return -(-now // QUARTER_US) * QUARTER_US if period.end is None else period.end


def way_back(start: int, end: int, zone: str, compare: str) -> Callable[[int], int]:
    """What takes a moment of [start, end) to the earlier period; all in µs.

    Whole local days go back by days, not by hours, and a calendar month to the month before; all else by whole
    quarter hours, so that no total of one counts in part only.
    """
    first, after = (local_day(each // SECOND_US, zone) for each in (start, end))
    if compare == WEEK:
        number = WEEK_DAYS * max(1, -(-(after - first) // WEEK_DAYS))
    elif whole_days(Period(start, end), zone):
        number = _month_before(first, after) or after - first
    else:
        length = -(-(end - start) // QUARTER_US) * QUARTER_US
        return lambda moment: moment - length

    def back(moment):
        day = local_day(moment // SECOND_US, zone)
        return _midnight(day - number, zone) + moment - _midnight(day, zone)

    return back


def _month_before(first, after):
    """The days of the month before, if the days [first, after) are a calendar month; else 0."""
    day = date_of(first)
    is_month = day.day == 1 and date_of(after) == month_after(day)
    return (day - timedelta(days=1)).day if is_month else 0


def _midnight(day, zone):
    return day_start(date_of(day), zone) * SECOND_US
