"""One record as bytes: figures put into a label's template by the counting rules of its executor."""

from random import Random

from simulator.failures import Failure
from simulator.gotime import Clock
from simulator.labels import CLAUDE, GEMINI, Label
from simulator.limits import Upstream

MILLISECOND = 1_000_000
MISCOUNTED = 0.004  # share of a small vendor's answers whose usage does not add up

# Disjoint token classes (uncached, read, write, answer, reasoning), then ms to the end and to the first byte.
Drawn = tuple[int, int, int, int, int, int, int]


class Writer:
    """Renders records. Instants are ns since the epoch; `ended` is when the attempt did."""

    def __init__(self, random: Random, clock: Clock):
        self.random, self.clock = random, clock
        self._upstreams: dict[str, Upstream] = {}

    def started(self, ended: int, latency: int) -> int:
        """The start of an attempt that took `latency` whole ms."""
        return ended - latency * MILLISECOND - int(self.random.random() * MILLISECOND)

    def success(self, label: Label, ended: int, started: int, request_id: str, drawn: Drawn) -> bytes:
        """An answered attempt."""
        upstream = self._upstream(label)
        roll = self.random.random
        timestamp, date = self.clock.stamps(started)
        headers = upstream.headers(ended, label.habit.stream, date, self.random.getrandbits(64))
        tokens, breakdown = _counted(label.style, drawn)
        if label.may_miscount and roll() < MISCOUNTED:
            tokens, breakdown = _miscounted(tokens, whole=roll() < 0.5)
        text = label.template % (
            timestamp,
            drawn[5],
            drawn[6],
            upstream.identity(ended),
            label.peers[int(roll() * len(label.peers))],
            *tokens,
            headers,
            *breakdown,
            request_id,
            label.tiers[int(roll() * len(label.tiers))],
        )
        return text.encode()

    def failure(self, label: Label, ended: int, request_id: str, way: Failure, latency: int) -> bytes:
        """A failed attempt that took `latency` ms."""
        upstream, started = self._upstream(label), self.started(ended, latency)
        timestamp, date = self.clock.stamps(started)
        headers = ""
        if way.reached:
            inside = upstream.failure_headers(ended, date, self.random.getrandbits(64), way)
            headers = f'"response_headers":{{{inside}}},'
        text = label.failed_template % (
            timestamp,
            latency,
            latency // 3 if way.cut else latency,
            upstream.identity(ended),
            self.random.choice(label.peers),
            way.status,
            way.quoted,
            headers,
            request_id,
            _tier_asked(self.random.choice(label.tiers)),
        )
        return text.encode()

    def _upstream(self, label: Label) -> Upstream:
        name = label.account.name
        return self._upstreams.get(name) or self._upstreams.setdefault(name, Upstream(label.account))


def _counted(style: str, drawn: Drawn) -> tuple[tuple, tuple]:
    """(`tokens`, `token_breakdown`) in the order of the template: who counts what where differs by executor."""
    uncached, read, write, answer, thought = drawn[:5]
    given, output = uncached + read + write, answer + thought
    total = given + output
    breakdown = ("complete", total, given, uncached, read, write, output, answer, thought, 0)
    if style == CLAUDE:
        return (uncached, output, thought, read or write, read, write, total), breakdown
    if style == GEMINI:
        return (given, answer, thought, read, read, write, total), breakdown
    return (given, output, thought, read, read, write, total), breakdown


def _miscounted(tokens: tuple, whole: bool) -> tuple[tuple, tuple]:
    """An upstream that names a total alone, or one that its parts do not add up to."""
    total = tokens[-1] if whole else tokens[-1] + 1000
    shown = (0, 0, 0, 0, 0, 0, total) if whole else (*tokens[:-1], total)
    return shown, ("unclassified" if whole else "inconsistent", total, 0, 0, 0, 0, 0, 0, 0, total)


def _tier_asked(tier: str) -> str:
    """A failure answers no tier of its own."""
    return tier.partition(",")[0]
