"""A period's tokens and cost by token class: what the uncached input cost, what the cache, what the output."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from pricing.book import Charged
from pricing.rates import Rates, rates_of_classes
from pricing.tokenclasses import CLASSES
from usage.analytics.answers import PICO
from usage.ingest.costs import CHARGED_BY
from usage.models import MEASURES
from usage.query.filters import UsageFilter
from usage.query.partial import price_book
from usage.query.reader import Reader
from usage.query.snapshots import snapshot

FEES = "requests"  # what is paid for each success, whatever its tokens


class TokenClass(Struct, frozen=True):
    """One class; the classes are disjoint."""

    name: Annotated[str, Meta(description="A token class, or `requests`: fees for each success.")]
    tokens: int
    cost: Annotated[float, Meta(description="US dollars; tokens without a price add nothing.")]


class TokenClasses(Struct, frozen=True):
    """All classes, in the order in which they are billed."""

    classes: list[TokenClass]


@snapshot()
def token_classes(filters: UsageFilter) -> TokenClasses:
    """Disjoint classes, and fees per request where there are any; together they cost what the period costs."""
    reader = Reader.of(filters)
    names = (*CLASSES, FEES)
    counts, pico = dict(zip(MEASURES, reader.total(), strict=True)), dict.fromkeys(names, 0)
    for rates, (requests, failed, *tokens) in rated(reader, ("requests", "failed", *CLASSES)):
        per_unit = (*rates_of_classes(rates).values(), rates.request)
        for name, count, rate in zip(names, (*tokens, requests - failed), per_unit, strict=True):
            pico[name] += count * rate
    shown = names if pico[FEES] else CLASSES
    return TokenClasses([TokenClass(name, counts[name] if name != FEES else 0, pico[name] / PICO) for name in shown])


def rated(reader: Reader, measures: tuple[str, ...]) -> Iterator[tuple[Rates, list[int]]]:
    """Rates, and measures of what was used at them.

    What cost nothing has no part in what the classes cost: where labels are many, few of them have a price.
    """
    book = price_book()
    depends_on = book.depends_on
    by = tuple(CHARGED_BY[name] for name in depends_on)
    for row in reader.rows(reader.plan(), by, measures, with_cost=True):
        rates = book.rates(Charged(**dict(zip(depends_on, row.group, strict=True))), row.day)
        if rates:
            yield rates, row.measures
