"""The median latency and time to first token over time: what the sparklines of their cards show."""

from django.conf import settings
from django.db.models import F

from usage.analytics import covered
from usage.durations import COLUMNS
from usage.filters import UsageFilter
from usage.histograms import percentile
from usage.ingest import now_us
from usage.latency import histograms
from usage.periods import HOUR, SECOND, day_start, local_date

DAY = 24 * HOUR
BY_HOUR = 8 * DAY + HOUR  # longer periods show their days; one of them may have 25 hours
Medians = dict[str, list[int | None]]


def medians(asked: UsageFilter) -> Medians:
    """By name of the measure the median of each hour or day that has begun, ms; nothing where events alone could tell.

    Days are 24 hours from the first midnight: a line of 32 pixels shows no change of clocks.
    """
    span, rows = covered(asked.period), histograms(asked)
    if span is None or rows is None:
        return {column: [] for column in COLUMNS.values()}
    origin, step = _grid(*span)
    places = range((min(span[1], now_us() // SECOND) - origin + step - 1) // step)
    counted = rows.annotate(slot=(F("bucket") - origin) / step).summed("slot", "kind")
    found = {(slot, kind): percentile(counts, 50) for slot, kind, *counts in counted}
    return {column: [found.get((place, kind)) for place in places] for kind, column in COLUMNS.items()}


def _grid(start, end):
    """(start of the first stretch, its length) in seconds."""
    if end - start <= BY_HOUR:
        return start // HOUR * HOUR, HOUR
    return day_start(local_date(start, settings.TIME_ZONE), settings.TIME_ZONE), DAY
