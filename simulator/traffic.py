"""Realistic usage records as CPA 7.2 writes them, reproducible from a seed: a history, or live ones."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import accumulate, pairwise
from math import ceil
from random import Random
from zoneinfo import ZoneInfo

from simulator.gotime import NANOSECONDS, local
from simulator.stream import Stream

SLOT = 300  # seconds in which the rhythm does not change
INCIDENTS_A_WEEK = 3
PROVIDERS = ("claude", "codex", "gemini", "openai-compatible-openrouter", "claude", "xai")


def history(days: float, events: int, seed: int, end: datetime, zone: str = "UTC") -> Iterator[bytes]:
    """Exactly `events` records whose attempts ended in the `days` before `end` (aware), in that order.

    They are made as they are asked for. Timestamps are in `zone`, whose hours shape the days and weeks.
    """
    stream = Stream(seed, zone)
    start, width, moments = _slots(days, end, zone)
    counts = _shared_out(events, [stream.busyness(*rhythm) * _noise(stream.random) for rhythm in moments])
    troubles = _incidents(Random(f"incidents {seed}"), len(moments))
    for number, (rhythm, count) in enumerate(zip(moments, counts, strict=True)):
        stream.troubled = troubles.get(number, "")
        yield from _slot(stream, stream.pick(*rhythm, count), start + number * width, width)


def live(
    rate: float,
    seed: int,
    zone: str = "UTC",
    sleep: Callable[[float], object] = time.sleep,
    now: Callable[[], int] = time.time_ns,
) -> Iterator[bytes]:
    """Endless records stamped now, `rate` a second on average; asking for the next one sleeps until it is due.

    `sleep` may be an Event's wait: it ends the records by returning True.
    """
    stream, place = Stream(seed, zone), ZoneInfo(zone)
    due = now()
    while True:
        due += int(stream.random.expovariate(rate) * NANOSECONDS)
        if (ahead := due - now()) > 0 and sleep(ahead / NANOSECONDS):
            return
        instant = now()
        hour, weekend = _rhythm(instant // NANOSECONDS, place)
        yield stream.due(instant) or stream.begin(stream.pick(hour, weekend, 1)[0], instant)


def _slot(stream: Stream, picked: list, start: int, width: int) -> Iterator[bytes]:
    """One record for each label picked, evenly strewn; what is due from earlier takes the place of a new request."""
    roll, due, begin = stream.random.random, stream.due, stream.begin
    step = width / len(picked) if picked else 0
    for number, label in enumerate(picked):
        ended = start + int((number + roll()) * step)
        yield due(ended) or begin(label, ended)


def _slots(days: float, end: datetime, zone: str) -> tuple[int, int, list[tuple[int, bool]]]:
    """(start in ns, width in ns, local hour and whether weekend of each slot)."""
    last, span, place = int(end.timestamp()), days * 86_400, ZoneInfo(zone)
    number = max(1, ceil(span / SLOT))
    width = span / number
    moments = [_rhythm(last - span + index * width, place) for index in range(number)]
    return int((last - span) * NANOSECONDS), int(width * NANOSECONDS), moments


def _rhythm(seconds: float, place: ZoneInfo) -> tuple[int, bool]:
    moment = local(seconds, place)
    return moment.hour, moment.weekday() > 4


def _noise(random: Random) -> float:
    """No five minutes are like the next."""
    return random.gammavariate(3, 1 / 3)


def _shared_out(events: int, weights: list[float]) -> list[int]:
    """Whole numbers in these proportions that add up to `events`."""
    sums = list(accumulate(weights))
    bounds = [0, *(round(events * each / sums[-1]) for each in sums)]
    return [after - before for before, after in pairwise(bounds)]


def _incidents(random: Random, slots: int) -> dict[int, str]:
    """Slot -> the provider that is in trouble then, for 20 to 90 minutes, some times a week."""
    troubles: dict[int, str] = {}
    for _ in range(round(slots * SLOT / 604_800 * INCIDENTS_A_WEEK)):
        first, provider = random.randrange(slots), random.choice(PROVIDERS)
        troubles.update(dict.fromkeys(range(first, first + random.randint(4, 18)), provider))
    return troubles
