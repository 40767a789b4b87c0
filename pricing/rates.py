"""Money as integers: rates in pico-USD per token, costs in pico-USD. Knows nothing of Django."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from typing import NamedTuple

PICO = 10**12  # pico-USD in a USD
PICO_PER_MICRO = 1_000_000  # 1 USD per million tokens is 1,000,000 pico-USD per token
STEP = Decimal("0.000001")  # USD per million tokens: one pico-USD per token
MOST_USD_PER_MILLION = 10_000
MOST = MOST_USD_PER_MILLION * PICO_PER_MICRO
NEGATIVE = "A rate is never negative."
TOO_HIGH = f"A rate is at most {MOST_USD_PER_MILLION:,} USD per million tokens."

# A request of 10^9 tokens at the highest rate would pass what a 64-bit column holds (9.2 * 10^18), and SQLite would
# silently store a float. No request costs USD 100,000; at this limit 92 impossible ones still add up within a column.
MOST_COST = 10**17


class Rates(NamedTuple):
    """What each class of tokens costs, in pico-USD per token, with every derived rate filled in."""

    prompt: int
    completion: int
    cache_read: int
    cache_write: int
    reasoning: int


# Rates that may be left out, and the rate that each is then.
DERIVED = {"cache_read": "prompt", "cache_write": "prompt", "reasoning": "completion"}


def filled(rates: Mapping[str, int | None]) -> Rates:
    """Every rate; one that is None is the one it derives from."""
    return Rates(**{name: rates[DERIVED[name]] if rate is None else rate for name, rate in rates.items()})


def cost(rates: Rates, *classes: int, requests: int = 1) -> int:
    """Pico-USD for the tokens of so many requests, as billed() counts them; never above MOST_COST for each."""
    return min(billed(rates, *classes), MOST_COST * requests)


def billed(  # noqa: PLR0917  the classes in the order in which rollups count them
    rates: Rates, uncached: int, cache_read: int, cache_write: int, output: int, reasoning: int, unclassified: int
) -> int:
    """Pico-USD for these tokens (disjoint classes, output without reasoning), however many."""
    return (
        (uncached + unclassified) * rates.prompt
        + cache_read * rates.cache_read
        + cache_write * rates.cache_write
        + output * rates.completion
        + reasoning * rates.reasoning
    )


def pico(usd_per_million: Decimal | str | float | int) -> int:
    """USD per million tokens as pico-USD per token, rounded half-even to 1e-6 USD; ValueError if it is no amount."""
    try:
        # A float's shortest text is the number that was typed; its binary value is not.
        amount = Decimal(str(usd_per_million)).quantize(STEP, ROUND_HALF_EVEN)
        return int(amount.scaleb(6))
    except (DecimalException, ValueError, OverflowError) as error:  # no number, infinite, or beyond 10^22
        raise ValueError(f"{usd_per_million!r} is no amount of USD") from error


def checked_pico(usd_per_million: Decimal | float | int) -> int:
    """pico() of a rate that a user entered; ValueError with a sentence for the user when it cannot be one."""
    amount = Decimal(str(usd_per_million))
    if not amount.is_finite():
        raise ValueError("A rate is a finite number.")
    if amount < 0:
        raise ValueError(NEGATIVE)
    if amount > MOST_USD_PER_MILLION:
        raise ValueError(TOO_HIGH)
    return pico(amount)


def usd_per_million(pico_per_token: int) -> float:
    """Pico-USD per token as USD per million tokens: the nearest float, which reads back as the same rate."""
    return pico_per_token / PICO_PER_MICRO
