"""What an answer about usage depends on besides the question: the same freshness, the same answer."""

from django.conf import settings

from usage.query.filters import UsageFilter
from usage.query.replica import counted, reading
from usage.time.clock import now_us
from usage.time.units import QUARTER_US


def freshness(filters: UsageFilter) -> tuple:
    """Counters of data, prices, aliases and catalogue, the zone, and the filter with its period resolved.

    Read it before the answer, where the answer will be read: what changes in between then makes it too old, never too
    new. A period without an end shows gap-free time up to now, which adds a bucket at a quarter hour at the earliest.
    """
    until = now_us() // QUARTER_US if filters.period.end is None else None
    with reading() as alias:
        _heartbeat, *numbers = counted(alias)
    return (tuple(numbers), (settings.TIME_ZONE, filters.period.start, filters.period.end, until, filters.query))
