"""Money as integers: rates in pico-USD per token, costs in pico-USD. Pure."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from operator import attrgetter, mul
from typing import NamedTuple

from django.utils.translation import gettext_noop as _

from pricing.tokenclasses import CLASSES, TOKEN_CLASSES

PICO = 10**12  # pico-USD in a USD
PICO_PER_MICRO = 1_000_000  # 1 USD per million tokens is 1,000,000 pico-USD per token
STEP = Decimal("0.000001")  # USD per million tokens: one pico-USD per token
MOST_USD_PER_MILLION = 10_000
MOST = MOST_USD_PER_MILLION * PICO_PER_MICRO
NEGATIVE = _("A rate is never negative.")
TOO_LOW = _("A rate is 0, or at least 0.000001 USD.")
TOO_HIGH = _("A rate is at most 10,000 USD per million tokens.")
MOST_USD_PER_REQUEST = 100
MOST_FEE = MOST_USD_PER_REQUEST * PICO
FEE_TOO_HIGH = _("A fee is at most 100 USD per request.")

# A request of 10^9 tokens at the highest rate would pass what a 64-bit column holds (9.2 * 10^18), and SQLite would
# silently store a float. No request costs USD 100,000; at this limit 92 impossible ones still add up within a column.
MOST_COST = 10**17


class Rates(NamedTuple):
    """What each kind of token costs, in pico-USD per token, with every derived rate filled in.

    `request` is a fee for each successful request, in pico-USD.
    """

    prompt: int
    completion: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    reasoning: int
    request: int


# Rates that may be left out, and the rate that each is then; a fee that is left out is 0.
DERIVED = {"cache_read": "prompt", "cache_write": "prompt", "cache_write_1h": "cache_write", "reasoning": "completion"}


def filled(rates: Mapping[str, int | None]) -> Rates:
    """Every rate; one that is None is the one it derives from."""
    found = dict(rates)
    for name, base in DERIVED.items():
        if found[name] is None:
            found[name] = found[base]
    return Rates(**found | {"request": found["request"] or 0})


_per_class = attrgetter(*(each.rate for each in TOKEN_CLASSES))


def rates_of_classes(rates: Rates) -> dict[str, int]:
    """The rate that each token class is billed at."""
    return dict(zip(CLASSES, _per_class(rates), strict=True))


def cost(rates: Rates, tokens: Iterable[int], requests: int = 1, successes: int = 0) -> int:
    """Pico-USD for the tokens of so many requests, as billed() counts them; never above MOST_COST for each."""
    return min(billed(rates, tokens, successes), MOST_COST * requests)


def billed(rates: Rates, tokens: Iterable[int], successes: int) -> int:
    """Pico-USD for tokens (in the order of CLASSES) and the fees of successful requests, however many."""
    return sum(map(mul, tokens, _per_class(rates))) + successes * rates.request


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
    return pico(_checked(usd_per_million, MOST_USD_PER_MILLION, TOO_HIGH))


def checked_fee(usd_per_request: Decimal | float | int) -> int:
    """A fee that a user entered as pico-USD, rounded half-even to 1e-6 USD; ValueError with a sentence for the user."""
    return pico(_checked(usd_per_request, MOST_USD_PER_REQUEST, FEE_TOO_HIGH)) * PICO_PER_MICRO


def _checked(number, most, too_high) -> Decimal:
    amount = Decimal(str(number))
    if not amount.is_finite():
        raise ValueError(_("A rate is a finite number."))
    if amount < 0:
        raise ValueError(NEGATIVE)
    if amount > most:
        raise ValueError(too_high)
    if amount and not pico(amount):  # or it would be free without anyone having said so
        raise ValueError(TOO_LOW)
    return amount


def usd_per_million(pico_per_token: int) -> float:
    """Pico-USD per token as USD per million tokens: the nearest float, which reads back as the same rate."""
    return pico_per_token / PICO_PER_MICRO


def usd(pico_usd: int) -> float:
    """Pico-USD as USD, such as a fee: the nearest float."""
    return pico_usd / PICO
