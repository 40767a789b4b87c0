"""Which attempt ended a client's request: the rule that turns CPA's attempts into the requests clients saw."""

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from usage.time.units import DAY_US

NEAR = 60 * 1_000_000  # µs between the end of one attempt and the start of the next


def ended_day(timestamp: int, latency_ms: int) -> int:
    """The UTC day, since 1970-01-01, in which an attempt ended that began at `timestamp` µs."""
    return (timestamp + latency_ms * 1000) // DAY_US


def kin_from(timestamp: int) -> int:
    """The earliest UTC day on which an attempt can have ended that one begun at `timestamp` µs belongs to."""
    return (timestamp - NEAR) // DAY_US


class Attempt(NamedTuple):
    """What the rule needs to know of one event; `order` tells which was stored first."""

    timestamp: int
    latency_ms: int
    failed: bool
    order: int

    @property
    def end(self):
        """When the attempt ended, µs."""
        return self.timestamp + self.latency_ms * 1000


def counts_alone(request_id: str, endpoint: str) -> bool:
    """Whether a record is a request of its own: it carries no id, or one its WebSocket's other turns carry too."""
    return not request_id or endpoint.startswith("GET ")


def finals(attempts: list[Attempt]) -> set[int]:
    """The `order` of the attempt that ended each client request among records of one id, key, name and endpoint.

    A success wins over a failure, then the latest start, then the first stored.
    """
    return {max(request, key=_finality).order for request in _requests(sorted(attempts))}


def _finality(attempt):
    return (not attempt.failed, attempt.timestamp, -attempt.order)


def _requests(attempts):
    """Groups of attempts (sorted by start) in which each starts near another's end, or together with it."""
    starts = [a.timestamp for a in attempts]
    group = list(range(len(attempts)))  # a forest: each attempt points towards its group's first

    def first_of(i):
        while group[i] != i:
            group[i] = i = group[group[i]]
        return i

    # Attempts whose starts lie near one end form a stretch of neighbours; stretches are noted by their two edges.
    stretch = [0] * (len(attempts) + 1)
    for i, attempt in enumerate(attempts):
        low, high = bisect_left(starts, attempt.end - NEAR), bisect_right(starts, attempt.end + NEAR) - 1
        if low <= high:
            stretch[low] += 1
            stretch[high] -= 1
            group[first_of(max(i, low))] = first_of(min(i, low))
    inside = 0
    for i in range(1, len(attempts)):
        inside += stretch[i - 1]
        if inside or starts[i] == starts[i - 1]:
            group[first_of(i)] = first_of(i - 1)
    members = {}
    for i, attempt in enumerate(attempts):
        members.setdefault(first_of(i), []).append(attempt)
    return members.values()
