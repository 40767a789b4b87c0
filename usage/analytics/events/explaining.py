"""Why an event costs what it costs: the set, card, tier, threshold and rates behind it."""

from datetime import date
from typing import Annotated

from django.conf import settings
from msgspec import Meta, Struct

from pricing.book import PriceBook
from pricing.models import CatalogueEntry
from pricing.rates import usd_per_million
from usage.analytics.answers import PICO
from usage.time.periods import local_day
from usage.time.units import SECOND_US

NO_PRICE = "The model has no price for this day."


class PricedTokens(Struct, frozen=True):
    """One class of tokens, times its rate."""

    name: Annotated[str, Meta(description="uncached, cache_read, cache_write, output, reasoning or unclassified.")]
    tokens: int
    price_per_1m: Annotated[float, Meta(description="USD per million tokens.")]
    cost: Annotated[float, Meta(description="USD.")]


class Explanation(Struct, frozen=True, kw_only=True):
    """What priced an event; without a price `reason` says why, and the rest is empty."""

    reason: Annotated[str, Meta(description="Why there is no price; empty when there is one.")] = ""
    origin: Annotated[str, Meta(description="manual or catalogue.")] = ""
    valid_from: Annotated[date | None, Meta(description="Local date the price began on; null: always.")] = None
    matched: Annotated[str, Meta(description="The catalogue's provider and id.")] = ""
    note: str = ""
    tier: Annotated[str, Meta(description="Of the card: '' also where the billed tier has no card.")] = ""
    context_over: Annotated[int, Meta(description="Of the card: it is for inputs larger than this.")] = 0
    input_tokens: Annotated[int, Meta(description="What the threshold is compared to: uncached and cached.")] = 0
    tokens: list[PricedTokens] = []


def explained(event, book: PriceBook) -> Explanation:
    """What is behind the cost of an event, given as a row of usage.analytics.events.rows.COLUMNS."""
    day = local_day(event.timestamp // SECOND_US, settings.TIME_ZONE)
    card = book.card(event.series__model_id, day, event.series__tier, event.series__context_over)
    if card is None:
        return Explanation(reason=_why_unpriced(event.series__model_id))
    price_set = card.price_set
    return Explanation(
        origin=price_set.origin,
        valid_from=price_set.valid_from,
        matched=price_set.matched,
        note=price_set.note,
        tier=card.tier,
        context_over=card.context_over,
        input_tokens=event.uncached + event.cache_read + event.cache_write,
        tokens=_priced(event, card.rates),
    )


def _priced(event, rates) -> list[PricedTokens]:
    by_class = {
        "uncached": rates.prompt,
        "cache_read": rates.cache_read,
        "cache_write": rates.cache_write,
        "output": rates.completion,
        "reasoning": rates.reasoning,
        "unclassified": rates.prompt,
    }
    return [
        PricedTokens(name, tokens, usd_per_million(rate), tokens * rate / PICO)
        for name, rate in by_class.items()
        if (tokens := getattr(event, name))
    ]


def _why_unpriced(model_id) -> str:
    reason = CatalogueEntry.objects.filter(model_id=model_id).values_list("reason", flat=True).first()
    return f"{NO_PRICE} {reason}".strip() if reason else NO_PRICE
