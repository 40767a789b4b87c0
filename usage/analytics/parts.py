"""A period in parts, days, weeks or months, which together are the period."""

from datetime import date

from django.conf import settings

from usage.analytics.overview import covered_seconds
from usage.query.filters import UsageFilter
from usage.time.periods import Period, date_of, days, first_of_week
from usage.time.units import SECOND_US

FIRST_DAY = {
    "day": date_of,
    "week": lambda number: date_of(first_of_week(number)),
    "month": lambda number: date_of(number).replace(day=1),
}


def parts_of(filters: UsageFilter, every: str) -> list[tuple[date, UsageFilter]]:
    """(first local day of a day, week or month, the filter within it), oldest first; see covered_seconds."""
    covered, starts = covered_seconds(filters.period), {}
    for number, start, _ in days(*covered, settings.TIME_ZONE) if covered else ():
        starts.setdefault(FIRST_DAY[every](number), start * SECOND_US)
    edges = [filters.period.start, *list(starts.values())[1:], filters.period.end]
    return [(day, filters.with_period(Period(*edges[i : i + 2]))) for i, day in enumerate(starts)]
