"""A period's tokens and cost by token class: what the uncached input cost, what the cache, what the output."""

from typing import Annotated

from msgspec import Meta, Struct

from pricing.book import PriceBook
from usage.analytics.answers import PICO
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot

RATES = {  # of each class, in the order in which they are billed
    "uncached": "prompt",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "output": "completion",
    "reasoning": "reasoning",
    "unclassified": "prompt",
}
CLASSES = tuple(RATES)
PRICED_BY = ("model_id", "tier", "context_over")


class TokenClass(Struct, frozen=True):
    """One class; the classes are disjoint."""

    name: str
    tokens: int
    cost: Annotated[float, Meta(description="US dollars; tokens without a price add nothing.")]


class TokenClasses(Struct, frozen=True):
    """All classes, in the order in which they are billed."""

    classes: list[TokenClass]


@snapshot()
def token_classes(filters: UsageFilter) -> TokenClasses:
    """Disjoint classes; together they cost what the period costs."""
    reader, book = Reader.of(filters), PriceBook.current()
    tokens, pico = dict.fromkeys(CLASSES, 0), dict.fromkeys(CLASSES, 0)
    for row in reader.rows(reader.plan(), PRICED_BY, CLASSES):
        model, tier, context_over = row.group
        rates = book.rates(model, row.day, tier, context_over)
        for name, count in zip(CLASSES, row.measures, strict=True):
            tokens[name] += count
            pico[name] += count * getattr(rates, RATES[name]) if rates else 0
    return TokenClasses([TokenClass(name, tokens[name], pico[name] / PICO) for name in CLASSES])


def rates_of_classes(rates) -> dict[str, int]:
    """Pico-USD per token of each class."""
    return {name: getattr(rates, rate) for name, rate in RATES.items()}
