"""Why one request cost what it did: each token class, its rate, and what they make."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from django.conf import settings
from msgspec import Meta, Struct

from pricing.book import PriceBook
from pricing.models import Model
from usage.analytics.answers import PICO
from usage.analytics.eventrows import EventDetail
from usage.time.periods import day_number

MILLION = 10**6


class CostLine(Struct, frozen=True):
    """One token class."""

    name: str
    tokens: int
    rate: Annotated[float, Meta(description="USD per million tokens.")]
    cost: Annotated[float, Meta(description="US dollars.")]


def explained(event: EventDetail) -> list[CostLine]:
    """The classes that were used, in the order they are billed; empty without a price."""
    rates = _rates(event)
    if rates is None:
        return []
    classes = (
        ("uncached", event.input_tokens, rates.prompt),
        ("cache_read", event.cache_read_tokens, rates.cache_read),
        ("cache_write", event.cache_creation_tokens, rates.cache_write),
        ("output", event.output_tokens - event.reasoning_tokens, rates.completion),
        ("reasoning", event.reasoning_tokens, rates.reasoning),
        ("unclassified", event.unclassified_tokens, rates.prompt),
    )
    return [CostLine(name, n, rate / MILLION, n * rate / PICO) for name, n, rate in classes if n]


def _rates(event):
    day = datetime.fromisoformat(event.timestamp).astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    model = Model.objects.filter(name=event.model).values_list("id", flat=True).first()
    return PriceBook.current().rates(model, day_number(day), event.tier, event.context_over)
