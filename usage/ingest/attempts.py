"""Which attempt ended a client's request: the rule that turns CPA's attempts into the requests clients saw."""

from collections.abc import Iterator
from typing import NamedTuple

from usage.records.decoding import MOST
from usage.time.units import DAY_US, SECOND_US

NEAR_US = 60 * SECOND_US  # between the end of one attempt and the start of the next


def ended_day(timestamp: int, latency_ms: int) -> int:
    """The UTC day, since 1970-01-01, in which an attempt ended that began at `timestamp` µs."""
    return (timestamp + latency_ms * 1000) // DAY_US


def siblings_from(timestamp: int) -> int:
    """The earliest UTC day on which an attempt can have ended that was followed by one begun at `timestamp` µs."""
    return (timestamp - NEAR_US) // DAY_US


def siblings_within(timestamp: int, latency_ms: int) -> tuple[int, int]:
    """The UTC days [first, stop) on which every attempt ended that followed one begun at `timestamp` µs, or that it
    followed: none lasts longer than MOST."""
    return siblings_from(timestamp), (timestamp + NEAR_US + (latency_ms + MOST) * 1000) // DAY_US + 1


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
    """Whether a record is a request of its own: it has no id, or shares it with all messages of a WebSocket."""
    return not request_id or endpoint.startswith("GET ")


def finals(attempts: list[Attempt]) -> set[int]:
    """The `order` of the attempt that ended each client request among records of one id, key, name and endpoint.

    A success wins over a failure, then the latest start, then the first stored.
    """
    requests = _requests(sorted(attempts))
    return {max(found, key=lambda each: (not each.failed, each.timestamp, -each.order)).order for found in requests}


def _requests(attempts: list[Attempt]) -> Iterator[list[Attempt]]:
    """Groups of attempts (sorted by start) in which each starts near another's end, or together with it."""
    groups = []  # which a later attempt may still join
    for attempt in attempts:
        joined, others = [attempt], []
        for group in groups:
            if any(_linked(attempt, earlier) for earlier in reversed(group)):
                joined = group + joined
            elif max(earlier.end for earlier in group) < attempt.timestamp - NEAR_US:
                yield group
            else:
                others.append(group)
        groups = [*others, joined]
    yield from groups


def _linked(later, earlier):
    return (
        abs(later.timestamp - earlier.end) <= NEAR_US
        or abs(later.end - earlier.timestamp) <= NEAR_US
        or later.timestamp == earlier.timestamp
    )
