"""Costs of rollups: computed when events are counted, and again when a price changes."""

from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from pricing.book import Charged
from pricing.rates import cost
from pricing.tokenclasses import CLASSES
from usage.models import MEASURES

TOKENS = slice(MEASURES.index(CLASSES[0]), MEASURES.index(CLASSES[-1]) + 1)
REQUESTS, FAILED, TOTAL, EMPTY = map(MEASURES.index, ("requests", "failed", "total", "without_tokens"))
COUNTS = (REQUESTS, FAILED, TOTAL, EMPTY)
_counts = itemgetter(*COUNTS)
PRICES_FROM = MEASURES.index("cost")  # where the measures begin that prices decide
# What is read of a row to cost it: what Costs.of takes.
COSTED_BY = (*(MEASURES[place] for place in COUNTS), *MEASURES[TOKENS])
REMEMBERED = 10_000  # rates of a series on a day
CHARGED_BY = {name: name for name in Charged._fields} | {"api_key": "api_key__fingerprint"}


class Priced(NamedTuple):
    """Pico-USD, tokens without a price, and successes of unknown cost: the last measures of a rollup."""

    cost: int
    unpriced_tokens: int
    unpriced_requests: int


class Costs:
    """What a rollup row costs: the rates of its series on its day, times its tokens."""

    def __init__(self, book, known: dict[int, Charged] | None = None):
        """`known` by series id, more of which `learn` reads."""
        self.book = book
        self.known = {} if known is None else known
        self._rates = lru_cache(REMEMBERED)(self._rates_of)

    def learn(self, series):
        """Look up what the prices of a queryset of Series depend on."""
        rows = series.order_by().values_list("id", *CHARGED_BY.values())
        self.known.update((id, Charged(*depends_on)) for id, *depends_on in rows)

    def fill(self, series_id, day, row):
        """Set the measures of a row of one local day that prices decide; one that only moves marks costs nothing."""
        if row[REQUESTS]:
            row[PRICES_FROM:] = self.of(series_id, day, *_counts(row), *row[TOKENS])

    def of(self, series_id, day, requests, failed, total, empty, *tokens) -> Priced:  # noqa: PLR0917
        """What a series counted on one local day costs; `empty`: successes without tokens."""
        return priced(self._rates(series_id, day), requests, failed, total, empty, tokens)

    def _rates_of(self, series_id, day):
        return self.book.rates(self.known[series_id], day)


def priced(rates, requests, failed, total, empty, tokens) -> Priced:  # noqa: PLR0917
    """What requests cost at these rates (None: no price). A success without tokens costs its fee, if there is one."""
    if rates is None:
        return Priced(0, total, requests - failed)
    unknown = 0 if rates.request or not any(rates) else empty
    return Priced(cost(rates, tokens, requests, requests - failed), 0, unknown)
