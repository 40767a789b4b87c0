"""A year of local days, and one of them in five-minute cells."""

from datetime import date

from django.conf import settings

from usage.analytics.answers import Cell, DayCell, Health, Year, instant
from usage.models import Event
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.query.sums import add_up
from usage.time.clock import now_us
from usage.time.periods import ALWAYS, date_of, day_number, five_minute_rows, local_date, rfc3339_local_day, rfc3339_utc
from usage.time.units import FIVE_MINUTES_S, SECOND_US


@snapshot()
def health(filters: UsageFilter, year: int | None = None, day: date | None = None) -> Health:
    """Attempts and failures of every day of a year, and of each five minutes of a day; `range` does not count here."""
    zone = settings.TIME_ZONE
    year = year or (day or local_date(now_us() // SECOND_US, zone)).year
    reader = Reader.of(filters).within(ALWAYS)
    counts = reader.counts_per_day()
    first, after = day_number(date(year, 1, 1)), day_number(date(year, 12, 31)) + 1
    return Health(
        year=year,
        start=rfc3339_local_day(first, zone),
        end=rfc3339_local_day(after, zone),
        days=[
            DayCell(date_of(n).isoformat(), rfc3339_local_day(n, zone), *counts.get(n, (0, 0)))
            for n in range(first, after)
        ],
        years=_years(counts),
        selected_day=day and day.isoformat(),
        detail=_cells(filters, day, reader.events_from) if day else [],
        detail_from=instant(reader.events_from),
    )


def newest_day(filters: UsageFilter) -> date | None:
    """The newest local day on which the filters find something, in any period."""
    days = Reader.of(filters).within(ALWAYS).counts_per_day()
    return date_of(max(days)) if days else None


def _years(counts):
    totals = add_up((date_of(day).year, counted) for day, counted in sorted(counts.items()))
    return [Year(year, total) for year, (total, _) in totals.items()]


def _cells(filters, day, events_from):
    rows = five_minute_rows(day, settings.TIME_ZONE)
    start, end = rows[0][0] if rows else 0, rows[-1][-1] + FIVE_MINUTES_S if rows else 0
    if events_from is not None and end * SECOND_US <= events_from:
        return []
    events = Event.objects.between(start * SECOND_US, end * SECOND_US).matching(filters).counted_by(FIVE_MINUTES_S)
    counts = {bucket: (total, failed) for bucket, total, failed in events}
    return [[Cell(rfc3339_utc(cell), *counts.get(cell, (0, 0))) for cell in row] for row in rows]
