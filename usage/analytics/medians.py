"""The median latency and time to first token over time: what the sparklines of their cards show."""

from django.conf import settings
from django.db.models import F

from usage.analytics.latency import histograms
from usage.analytics.questions import covered
from usage.ingest.durations import COLUMNS
from usage.models.histograms import percentile
from usage.query.filters import UsageFilter
from usage.query.snapshots import once, snapshot
from usage.time.clock import now_us
from usage.time.periods import day_start, local_date
from usage.time.units import DAY_S, HOUR_S, SECOND_US

BY_HOUR = 8 * DAY_S + HOUR_S  # longer periods show their days; one of them may have 25 hours
Medians = dict[str, list[int | None]]


@snapshot()
def medians(asked: UsageFilter) -> Medians:
    """By name of the measure the median of each hour or day that has begun, ms; nothing where events alone could tell.

    Days are 24 hours from the first midnight: a line of 32 pixels shows no change of clocks.
    """
    span, counted = covered(asked.period), over_time(asked)
    if counted is None:
        return {column: [] for column in COLUMNS.values()}
    origin, step = _grid(*span)
    places = range((min(span[1], now_us() // SECOND_US) - origin + step - 1) // step)
    found = {at: percentile(counts, 50) for at, counts in counted.items()}
    return {column: [found.get((place, kind)) for place in places] for kind, column in COLUMNS.items()}


@once
def over_time(asked: UsageFilter) -> dict[tuple[int, int], list[int]] | None:
    """Histograms of all models together by (hour or day of the grid, kind); None where events alone could tell."""
    span, rows = covered(asked.period), histograms(asked)
    if span is None or rows is None:
        return None
    origin, step = _grid(*span)
    counted = rows.annotate(slot=(F("bucket") - origin) / step).summed("slot", "kind")
    return {(slot, kind): counts for slot, kind, *counts in counted}


def _grid(start, end):
    """(start of the first stretch, its length) in seconds."""
    if end - start <= BY_HOUR:
        return start // HOUR_S * HOUR_S, HOUR_S
    return day_start(local_date(start, settings.TIME_ZONE), settings.TIME_ZONE), DAY_S
