"""Why an event costs what it costs: the set, card, tier, threshold and rates behind it."""

from datetime import date
from typing import Annotated

from django.conf import settings
from msgspec import Meta, Struct

from pricing.book import PriceBook
from pricing.models import CatalogueEntry
from pricing.rates import usd_per_million
from usage.analytics.answers import PICO
from usage.analytics.tokenclasses import rates_of_classes
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


def priced_by(event: dict) -> tuple:
    """What an event's price is found by: its model, local day, tier and context step."""
    day = local_day(event["timestamp"] // SECOND_US, settings.TIME_ZONE)
    return event["model_id"], day, event["tier"], event["context_over"]


def explained(event: dict, book: PriceBook) -> Explanation:
    """What is behind the cost of an event, given as values of usage.analytics.events.rows."""
    card = book.card(*priced_by(event))
    if card is None:
        return Explanation(reason=_why_unpriced(event["model_id"]))
    price_set = card.price_set
    return Explanation(
        origin=price_set.origin,
        valid_from=price_set.valid_from,
        matched=price_set.matched,
        note=price_set.note,
        tier=card.tier,
        context_over=card.context_over,
        input_tokens=event["uncached"] + event["cache_read"] + event["cache_write"],
        tokens=[
            PricedTokens(name, event[name], usd_per_million(rate), event[name] * rate / PICO)
            for name, rate in rates_of_classes(card.rates).items()
            if event[name]
        ],
    )


def _why_unpriced(model_id) -> str:
    reason = CatalogueEntry.objects.filter(model_id=model_id).values_list("reason", flat=True).first()
    return f"{NO_PRICE} {reason or ''}".strip()
