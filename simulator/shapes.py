"""How large and how slow requests are: pools drawn once from log-normal laws, so that a record costs two look-ups."""

from math import exp
from random import Random

POOL = 2048

# shape -> (median input, its spread, share of cached input, median answer, median reasoning)
_SHAPES = {
    "agent": (36_000, 0.9, 0.92, 320, 380),
    "helper": (1_700, 0.8, 0.15, 55, 0),
    "chat": (2_400, 1.0, 0.4, 420, 0),
    "thinker": (6_500, 1.1, 0.45, 560, 950),
    "long": (48_000, 0.9, 0.05, 800, 0),
    "image": (120, 0.6, 0.0, 1_600, 0),
}
# pace -> (median ms to the first byte, median ms a token)
_PACES = {"fast": (340, 5), "medium": (850, 13), "slow": (2_100, 20)}

_USUAL_LIMIT = 190_000
_LONG_SHARE = 0.012
_LONGEST = 900_000


def tokens(random: Random, shape: str, thinks: bool, writes: bool) -> list[tuple[int, int, int, int, int]]:
    """POOL drawings of disjoint classes: uncached input, cache read, cache write, answer, reasoning."""
    return [_draw(random, shape, thinks, writes) for _ in range(POOL)]


def paces(random: Random, pace: str) -> list[tuple[float, float]]:
    """POOL drawings of (ms to the first byte, ms a token)."""
    first, token = _PACES[pace]
    return [(_lognormal(random, first, 0.55), _lognormal(random, token, 0.35)) for _ in range(POOL)]


def _draw(random: Random, shape: str, thinks: bool, writes: bool) -> tuple[int, int, int, int, int]:
    median, spread, cached, answer, reasoning = _SHAPES[shape]
    context = _context(random, median, spread, shape)
    read = int(context * cached * random.betavariate(5, 1)) if random.random() < 0.3 + 0.7 * cached else 0
    write = int((context - read) * random.uniform(0.5, 0.98)) if writes and cached and random.random() < 0.8 else 0
    text = max(1, int(_lognormal(random, answer, 0.9)))
    thought = int(_lognormal(random, reasoning, 1.0)) if thinks and reasoning and random.random() < 0.85 else 0
    return context - read - write, read, write, text, thought


def _context(random: Random, median: int, spread: float, shape: str) -> int:
    if shape in ("agent", "thinker", "long") and random.random() < _LONG_SHARE:
        return random.randint(200_001, _LONGEST)
    return max(3, min(_USUAL_LIMIT, int(_lognormal(random, median, spread))))


def _lognormal(random: Random, median: float, spread: float) -> float:
    return median * exp(random.gauss(0, spread))
