"""A period in parts, days, weeks or months, which together are the period."""

from datetime import date

from django.conf import settings
from msgspec import Struct

from usage.analytics.answers import Summary, summary_of
from usage.analytics.breakdowns import Breakdown, breakdown
from usage.analytics.overview import covered_seconds
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.periods import Period, date_of, days, first_of_week
from usage.time.units import SECOND_US

FIRST_DAY = {
    "day": date_of,
    "week": lambda number: date_of(first_of_week(number)),
    "month": lambda number: date_of(number).replace(day=1),
}


class ReportPart(Struct, frozen=True, kw_only=True):
    """What a day, week or month used, or the whole period."""

    first: date | None  # local day; None for the whole
    figures: Summary
    breakdown: Breakdown | None


class Report(Struct, frozen=True, kw_only=True):
    """A period in the parts in which something was used, oldest first; `every` and `by` may be empty."""

    every: str
    by: str
    figures: Summary
    parts: list[ReportPart]


def parts_of(filters: UsageFilter, every: str) -> list[tuple[date, UsageFilter]]:
    """(first local day of a day, week or month in which something was used, the filter within it), oldest first.

    See covered_seconds.
    """
    covered, starts = covered_seconds(filters.period), {}
    for number, start, _ in days(*covered, settings.TIME_ZONE) if covered else ():
        starts.setdefault(FIRST_DAY[every](number), start * SECOND_US)
    edges = [filters.period.start, *list(starts.values())[1:], filters.period.end]
    used = set(map(FIRST_DAY[every], Reader.of(filters).counts_per_day()))
    return [(day, filters.with_period(Period(*edges[i : i + 2]))) for i, day in enumerate(starts) if day in used]


@snapshot()
def report(filters: UsageFilter, every: str = "", by: str = "") -> Report:
    """The period by FIRST_DAY's names, by the values of a label, or by both."""
    parts = parts_of(filters, every) if every else [(None, filters)]
    parts = [(first, part, Reader.of(part).total()) for first, part in parts]
    return Report(
        every=every,
        by=by,
        figures=summary_of(Reader.of(filters).total()),
        parts=[
            ReportPart(first=first, figures=summary_of(total), breakdown=breakdown(part, by) if by else None)
            for first, part, total in parts
            if total[0]
        ],
    )
