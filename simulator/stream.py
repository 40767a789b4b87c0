"""Requests and what follows from them: retries at other accounts, turns of a WebSocket, a second model's record."""

from heapq import heappop, heappush
from itertools import accumulate
from random import Random

from simulator import failures, shapes
from simulator.gotime import NANOSECONDS, Clock
from simulator.labels import Label, labels
from simulator.writer import MILLISECOND, Drawn, Writer

FAILURE_RATE = 0.032
TROUBLED_RATE = 0.4
RETRY_SUCCEEDS = 0.75
MOST_ATTEMPTS = 4
ANOTHER_TURN = 0.7
DRAWS_IMAGE = 0.04
LONGEST = 600_000  # ms: upstreams give up after ten minutes

Way = tuple[failures.Failure, int]  # how an attempt failed, and after how many ms


class Stream:
    """Makes records by the moment each attempt ended (ns since the epoch), which must not go backwards.

    `begin` starts a request and gives its first record; what follows from it waits until `due` says that its time
    has come.
    """

    def __init__(self, seed: int, zone: str):
        self.random = Random(seed)
        self.writer = Writer(self.random, Clock(zone))
        self.labels = labels()
        self.troubled = ""  # the provider that has an incident now
        self._pending: list[tuple] = []
        self._scheduled = 0
        self._weights: dict[tuple[int, bool], list[float]] = {}
        self._equip([*self.labels, *(label.image for label in self.labels if label.image)])

    def pick(self, hour: int, weekend: bool, count: int) -> list[Label]:
        """Labels of `count` requests of this local hour."""
        return self.random.choices(self.labels, cum_weights=self._cumulative(hour, weekend), k=count)

    def busyness(self, hour: int, weekend: bool) -> float:
        """How much goes on in this local hour, in no particular unit."""
        return self._cumulative(hour, weekend)[-1]

    def begin(self, label: Label, ended: int) -> bytes:
        """The record of a new request's first attempt."""
        request_id = f"{self.random.getrandbits(32):08x}"
        rate = TROUBLED_RATE if label.account.provider == self.troubled else FAILURE_RATE
        if self.random.random() < rate:
            return self._fail(label, ended, request_id, 1)
        return self._succeed(label, ended, request_id, self._draw(label))

    def due(self, instant: int) -> bytes | None:
        """The record of what followed from earlier requests and ended by now; None when nothing did."""
        if not self._pending or self._pending[0][0] > instant:
            return None
        ended, _, make, label, *arguments = heappop(self._pending)
        return make(label, ended, *arguments)

    def _equip(self, everything: list[Label]) -> None:
        sizes: dict[tuple, list] = {}
        paces: dict[str, list] = {}
        for label in everything:
            shape, pace = (label.model.shape, label.thinks, label.writes_cache), label.model.pace
            if shape not in sizes:
                sizes[shape] = shapes.tokens(self.random, *shape)
            if pace not in paces:
                paces[pace] = shapes.paces(self.random, pace)
            label.pools = sizes[shape], paces[pace]

    def _cumulative(self, hour: int, weekend: bool) -> list[float]:
        known = self._weights.get((hour, weekend))
        if known is None:
            known = self._weights[hour, weekend] = list(accumulate(_share(each, hour, weekend) for each in self.labels))
        return known

    def _draw(self, label: Label) -> Drawn:
        roll, (sizes, paces) = self.random.random, label.pools
        uncached, read, write, answer, thought = sizes[int(roll() * shapes.POOL)]
        first, token = paces[int(roll() * shapes.POOL)]
        answer += int(roll() * 17)
        latency = min(int(first + token * (answer + thought)), LONGEST)
        ttft = int(first) if label.habit.stream else latency - (latency > 3)
        return uncached + int(roll() * 29), read, write, answer, thought, latency, ttft

    def _succeed(self, label: Label, ended: int, request_id: str, drawn: Drawn) -> bytes:
        started = self.writer.started(ended, drawn[5])
        if label.turns and self.random.random() < ANOTHER_TURN:
            self._schedule_turn(label, ended, request_id)
        if label.image and self.random.random() < DRAWS_IMAGE:
            self._schedule(ended, self._draw_image, label.image, started, request_id, drawn)
        return self.writer.success(label, ended, started, request_id, drawn)

    def _draw_image(self, label: Label, ended: int, started: int, request_id: str, parent: Drawn) -> bytes:
        """The hosted image tool: another model's record with the request's own id and time."""
        drawn = self._draw(label)[:5] + parent[5:]
        return self.writer.success(label, ended, started, request_id, drawn)

    def _schedule_turn(self, label: Label, ended: int, request_id: str) -> None:
        drawn = self._draw(label)
        pause = int((2 + self.random.expovariate(1 / 25)) * NANOSECONDS)
        self._schedule(ended + pause + _span(drawn[5]), self._succeed, label, request_id, drawn)

    def _fail(self, label: Label, ended: int, request_id: str, attempt: int, how: Way | None = None) -> bytes:
        way, latency = how or self._go_wrong(label)
        if way.retried and attempt < MOST_ATTEMPTS:
            self._try_again(label, ended, request_id, attempt + 1, way)
        return self.writer.failure(label, ended, request_id, way, latency)

    def _try_again(self, label: Label, ended: int, request_id: str, attempt: int, way: failures.Failure) -> None:
        other = self.random.choice(label.siblings or [label])
        if self.random.random() < RETRY_SUCCEEDS:
            drawn = self._draw(other)
            self._schedule(ended + _span(drawn[5]), self._succeed, other, request_id, drawn)
        else:
            latency = self._failing_time(other, way)
            self._schedule(ended + _span(latency), self._fail, other, request_id, attempt, (way, latency))

    def _go_wrong(self, label: Label) -> Way:
        way = failures.choose(self.random, label)
        return way, self._failing_time(label, way)

    def _failing_time(self, label: Label, way: failures.Failure) -> int:
        """ms until it failed: at once when CPA refuses, soon when an upstream does, later when a stream is cut."""
        if not way.reached:
            return 0
        if way.cut:
            return self._draw(label)[5] // 2 + 1
        return int(self.random.lognormvariate(5.0, 0.6)) + 1

    def _schedule(self, ended: int, make, *arguments) -> None:
        self._scheduled += 1  # orders what ends in the same nanosecond, and keeps labels from being compared
        heappush(self._pending, (ended, self._scheduled, make, *arguments))


def _span(latency: int) -> int:
    """ns from the end of one attempt to the end of the next that takes `latency` ms and begins just after it."""
    return (latency + 3) * MILLISECOND


def _share(label: Label, hour: int, weekend: bool) -> float:
    return label.weight * label.client.hours[hour] * (label.client.weekend if weekend else 1)
