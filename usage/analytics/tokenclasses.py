"""A period's tokens and cost by token class: what the uncached input cost, what the cache, what the output."""

from typing import Annotated

from msgspec import Meta, Struct

from pricing.book import PriceBook
from usage.analytics.answers import PICO
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot

CLASSES = ("uncached", "cache_read", "cache_write", "output", "reasoning", "unclassified")
RATES = ("prompt", "cache_read", "cache_write", "completion", "reasoning", "prompt")
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
    """Every class in the order of CLASSES; together they cost what the period costs."""
    reader, book = Reader.of(filters), PriceBook.current()
    tokens, pico = [0] * len(CLASSES), [0] * len(CLASSES)
    for row in reader.rows(reader.plan(), PRICED_BY, CLASSES):
        model, tier, context_over = row.group
        rates = book.rates(model, row.day, tier, context_over)
        for place, count in enumerate(row.measures):
            tokens[place] += count
            if rates is not None:
                pico[place] += count * getattr(rates, RATES[place])
    rows = zip(CLASSES, tokens, (cost / PICO for cost in pico), strict=True)
    return TokenClasses([TokenClass(*row) for row in rows])
