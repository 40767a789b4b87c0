"""The shapes of the API's replies about prices, in USD per million tokens, and how they are filled."""

from datetime import date, datetime
from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from pricing.api.serializers import RATES
from pricing.models import Model, PriceSet, RateCard, Tier
from pricing.precedence import overridden
from pricing.rates import usd_per_million

Usd = Annotated[float, Meta(description="USD per million tokens.")]
DerivedUsd = Annotated[float | None, Meta(description="USD per million tokens; null: the rate it derives from.")]


class PriceCard(Struct, frozen=True):
    """The rates of one tier and context size."""

    tier: Annotated[str, Meta(description="flex, priority, batch, or empty for the standard tier.")]
    context_over: Annotated[int, Meta(description="Applies when the input holds more tokens than this.")]
    prompt_price_per_1m: Usd
    completion_price_per_1m: Usd
    cache_price_per_1m: DerivedUsd
    cache_write_price_per_1m: DerivedUsd
    reasoning_price_per_1m: DerivedUsd


class DatedPrice(Struct, frozen=True):
    """All rates of a model from a local date on."""

    valid_from: Annotated[date | None, Meta(description="Local date; null: always.")]
    origin: Annotated[str, Meta(description="manual or catalogue.")]
    in_force: Annotated[bool, Meta(description="Whether it prices requests of today.")]
    overridden: Annotated[bool, Meta(description="The catalogue's, kept out of force by a manual set or by hand.")]
    matched: Annotated[str, Meta(description="The catalogue's provider and id.")]
    note: str
    updated_at: datetime
    cards: list[PriceCard]


class Price(Struct, frozen=True):
    """What a model costs today: the base card of the set in force, and all its sets."""

    model: str
    prompt_price_per_1m: Usd
    completion_price_per_1m: Usd
    cache_price_per_1m: Annotated[float, Meta(description="Cache reads, USD per million tokens.")]
    cache_write_price_per_1m: DerivedUsd
    reasoning_price_per_1m: DerivedUsd
    updated_at: datetime
    valid_from: Annotated[date | None, Meta(description="Local date the price began on; null: always.")]
    origin: Annotated[str, Meta(description="manual or catalogue.")]
    sets: list[DatedPrice]


class Prices(Struct, frozen=True):
    """Models priced today, by name."""

    items: list[Price]


class PriceChanged(Struct, frozen=True):
    """It is done."""

    ok: bool = True


def prices(stamp: int, today: date) -> Prices:
    """The models that have a price on a local date. `stamp`: Revision.current_stamp(), for which answers are cached."""
    return _cached(stamp, today) if stamp else _read(today)


@lru_cache(2)
def _cached(stamp, today):
    return _read(today)


def _read(today):
    models = Model.objects.with_prices(today).filter(is_priced=True).order_by("name")
    return Prices(items=[_price(model, today) for model in models])


def _price(model: Model, today: date) -> Price:
    sets = list(model.price_sets.all())
    in_force = model.set_in_force(today)
    base = in_force.card_for(Tier.STANDARD, 0)
    hidden = overridden(sets, model.catalogue_blocked)
    return Price(
        model=model.name,
        **{**_rates(base), "cache_price_per_1m": usd_per_million(base.rates.cache_read)},
        updated_at=in_force.updated_at,
        valid_from=in_force.valid_from,
        origin=in_force.origin,
        sets=[_set(price_set, price_set is in_force, price_set in hidden) for price_set in sets],
    )


def _set(price_set: PriceSet, in_force: bool, hidden: bool) -> DatedPrice:
    return DatedPrice(
        valid_from=price_set.valid_from,
        origin=price_set.origin,
        in_force=in_force,
        overridden=hidden,
        matched=price_set.matched,
        note=price_set.note,
        updated_at=price_set.updated_at,
        cards=[PriceCard(tier=c.tier, context_over=c.context_over, **_rates(c)) for c in price_set.cards.all()],
    )


def _rates(card: RateCard) -> dict:
    rates = {name: getattr(card, rate) for name, rate in RATES.items()}
    return {name: None if rate is None else usd_per_million(rate) for name, rate in rates.items()}
