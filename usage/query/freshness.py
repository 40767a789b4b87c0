"""What an answer about usage depends on besides the question: the same freshness, the same answer."""

from django.conf import settings

from usage.models import DrainState
from usage.query.filters import UsageFilter
from usage.query.replica import COUNTERS, reading
from usage.time.clock import now_us
from usage.time.units import QUARTER_US


def freshness(filters: UsageFilter) -> tuple:
    """Counters of data, prices, aliases and catalogue, the zone, and the filter with its period resolved.

    Read it before the answer, where the answer will be read: what changes in between then makes it too old, never too
    new. A period without an end shows gap-free time up to now, which adds a bucket at a quarter hour at the earliest.
    """
    until = now_us() // QUARTER_US if filters.period.end is None else None
    with reading():
        counted = counters()
    return (counted, (settings.TIME_ZONE, filters.period.start, filters.period.end, until, filters.query))


def counters() -> tuple[int, ...]:
    """The numbers of COUNTERS and of the data, 0 where nothing was counted yet."""
    counted = ((DrainState, "data_version"), *COUNTERS)
    return tuple(model.objects.filter(pk=1).values_list(field, flat=True).first() or 0 for model, field in counted)
