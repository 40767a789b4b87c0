"""What dated monthly fees come to over some days. Knows nothing of Django: a fee is anything with `valid_from` (None
for always) and `usd_per_month`.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from pricing.precedence import begins


def paid(fees: Iterable, first: date, after: date) -> float:
    """USD for the local days from `first` to before `after`; a day costs its share of its own month."""
    fees = sorted(fees, key=begins)
    ends = [*map(begins, fees[1:]), date.max]
    spans = ((fee, max(first, begins(fee)), min(after, end)) for fee, end in zip(fees, ends, strict=False))
    months = ((fee, _month(end) - _month(start)) for fee, start, end in spans if start < end)
    return float(sum(Fraction(fee.usd_per_month) * share for fee, share in months))


def _month(day):
    """Months up to a day, the one it lies in by the share that is over when the day begins."""
    return 12 * day.year + day.month + Fraction(day.day - 1, monthrange(day.year, day.month)[1])
