"""The clocks: the one place that asks what time it is in microseconds."""

import time
from datetime import UTC, datetime

# It counts while the machine sleeps, too; not every system has such a clock.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now_us() -> int:
    """The present, µs since the epoch."""
    return time.time_ns() // 1000


def steady_us() -> int:
    """µs since a moment in the past, by a clock that is never set: for lengths of time within one process."""
    return time.clock_gettime_ns(_STEADY) // 1000


def moment_of(us: int) -> datetime:
    """The moment so many µs after the epoch."""
    return datetime.fromtimestamp(us / 1_000_000, UTC)
