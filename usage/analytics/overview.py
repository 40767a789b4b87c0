"""The period at a glance: totals, gap-free hours and days, the grid of quarter hours, and how fast requests come."""

from datetime import date
from typing import Annotated

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Count, Sum
from django.utils.translation import gettext as _
from msgspec import Meta, Struct

from usage.analytics.answers import Bucket, Cell, Figures, Overview, figures, instant
from usage.models import MEASURES, Day, Event, Quarter
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import once, snapshot
from usage.rollups.counting import edges_of
from usage.time.clock import now_us
from usage.time.periods import Period, days, hours, local_date, local_day, quarters, rfc3339_local_day, rfc3339_utc
from usage.time.units import DAY_S, HOUR_S, MINUTE_US, QUARTER_S, SECOND_US

NOTHING = [0] * len(MEASURES)
HOURLY_IN_FULL_S = 31 * DAY_S  # a longer period shows the hours of its last week
GRID_DAYS = 31
LONGEST_S = 3660 * DAY_S  # ten years, of series
MINUTES = QUARTER_S // 60


class Pace(Struct, frozen=True):
    """Requests and tokens a minute."""

    rpm: Annotated[int, Meta(description="Attempts that began in the last 60 s.")]
    tpm: int


class Peak(Struct, frozen=True):
    """The busiest quarter hour."""

    rpm: Annotated[float, Meta(description="Attempts a minute, on average over it.")]
    bucket: Annotated[str, Meta(description="Its start.")]


@snapshot()
def overview(filters: UsageFilter) -> Overview:
    """Totals of the period, its hours, its days, and the health of its quarter hours."""
    reader, covered = Reader.of(filters), covered_seconds(filters.period)
    start, end = covered or (0, 0)
    detail = max(start, (reader.events_from or 0) // SECOND_US)
    return Overview(
        summary=Figures(**figures(reader.total())),
        hourly_series=_hourly(reader, start, detail, end),
        daily_series=_daily(reader.per_day(), start, end),
        health_grid=_grid(reader, detail, end),
        generated_at=rfc3339_utc(now_us() // SECOND_US),
        detail_from=instant(reader.events_from),
    )


def pace(filters: UsageFilter) -> Pace:
    """Requests and tokens of the last minute, whatever the period."""
    recent = Event.objects.between(now_us() - MINUTE_US, None).matching(filters)
    return Pace(**recent.aggregate(rpm=Count("id"), tpm=Sum("total", default=0)))


def peak(found: Overview) -> Peak | None:
    """The busiest cell of the grid; None while it is empty."""
    busiest = max((cell for row in found.health_grid for cell in row), key=lambda cell: cell.total, default=None)
    return Peak(busiest.total / MINUTES, busiest.bucket) if busiest and busiest.total else None


def recorded_since() -> int | None:
    """Seconds of the first quarter of an hour with a record, of its day where that is no longer kept; None without."""
    first = _first()
    return first and first[0]


@once
def covered_seconds(period: Period) -> tuple[int, int] | None:
    """The seconds [start, end) that series of the period show; None while there is nothing to show.

    An open start is the first day counted; an open end is now, or the last quarter counted if a clock runs ahead. Of
    more than LONGEST_S they show the last part where the start is open; else ValidationError names the end.
    """
    start, end = period.start, period.end
    if start is None:
        first = Day.objects.order_by("bucket").values_list("bucket", flat=True).first()
        if first is None:
            return None
        start = edges_of(first)[0] * SECOND_US
    if end is None:
        last = Quarter.objects.order_by("-bucket").values_list("bucket", flat=True).first() or 0
        end = max(now_us(), (last + QUARTER_S) * SECOND_US, start + 1)
    start, end = start // SECOND_US, -(-end // SECOND_US)
    if end - start > LONGEST_S and period.start is not None:
        raise ValidationError({"end": [_("What is shown over time is at most ten years long.")]})
    return max(start, end - LONGEST_S), end


def recorded_from() -> int | None:
    """From when on (µs) everything that was recorded is known; None before the first record.

    The quarter hour after that of the first record, or the day after its day where no quarters of that are kept.
    """
    first = _first()
    return first and first[1] * SECOND_US


@once
def _first() -> tuple[int, int] | None:
    """The first quarter hour with a record, or its day where quarters of that are no longer kept: [start, end) s."""
    day = Day.objects.order_by("bucket").values_list("bucket", flat=True).first()
    if day is None:
        return None
    quarter = Quarter.objects.order_by("bucket").values_list("bucket", flat=True).first()
    is_kept = quarter is not None and local_day(quarter, settings.TIME_ZONE) == day
    return (quarter, quarter + QUARTER_S) if is_kept else edges_of(day)


def covered_days(period: Period) -> tuple[date, date] | None:
    """The first and the last local day of covered_seconds; None while there is nothing to show."""
    covered = covered_seconds(period)
    return covered and (local_date(covered[0], settings.TIME_ZONE), local_date(covered[1] - 1, settings.TIME_ZONE))


def _hourly(reader, start, detail, end):
    """The hours that are kept: all, or those of the last week of a long period."""
    since = start if end - start <= HOURLY_IN_FULL_S else -(-end // HOUR_S) * HOUR_S - 7 * DAY_S
    since = max(since, detail)
    per_hour = reader.per_hour(*_from(reader.filters.period, since)) if since < end else {}
    return [Bucket(bucket=rfc3339_utc(hour), **figures(per_hour.get(hour, NOTHING))) for hour in hours(since, end)]


def _daily(per_day, start, end):
    zone = settings.TIME_ZONE
    return [
        Bucket(bucket=rfc3339_local_day(day, zone), **figures(per_day.get(day, NOTHING)))
        for day, _, _ in days(start, end, zone)
    ]


def _grid(reader, detail, end):
    """A row of quarter hours for each local day, of the last days that are kept in detail."""
    rows = days(detail, end, settings.TIME_ZONE)[-GRID_DAYS:] if detail < end else []
    if not rows:
        return []
    counts = reader.counts_per_quarter(*_from(reader.filters.period, rows[0][1]))
    return [
        [Cell(rfc3339_utc(quarter), *counts.get(quarter, (0, 0))) for quarter in quarters(first, last)]
        for _, first, last in rows
    ]


def _from(period, since):
    """The range of a period from `since` (seconds) on, in µs."""
    return max(since * SECOND_US, period.start or 0), period.end
