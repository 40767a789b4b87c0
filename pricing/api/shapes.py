"""The shapes of the API's replies about prices, in USD per million tokens, and how they are filled."""

from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Annotated

from msgspec import Meta, Struct

from cpa_usage.http.lists import ALL, Listing, ListQuery, totals_of
from pricing.api.serializers import RATES
from pricing.models import Model, PriceSet, RateCard, Scope
from pricing.precedence import overridden, set_in_force
from pricing.rates import usd_per_million

Usd = Annotated[float, Meta(description="USD per million tokens.")]
Fee = Annotated[float | None, Meta(description="USD for each successful request; null: none.")]
Clock = Annotated[str | None, Meta(description="UTC, as HH:MM; null: the card holds all day.")]
DerivedUsd = Annotated[float | None, Meta(description="USD per million tokens; null: the rate it derives from.")]


class PriceCard(Struct, frozen=True):
    """The rates of one tier and context size, at some hours or all."""

    tier: Annotated[str, Meta(description="flex, priority, batch, fast, or empty for the standard tier.")]
    context_over: Annotated[int, Meta(description="Applies when the input holds more tokens than this.")]
    hours_from: Clock
    hours_to: Clock
    prompt_price_per_1m: Usd
    completion_price_per_1m: Usd
    cache_price_per_1m: DerivedUsd
    cache_write_price_per_1m: DerivedUsd
    cache_write_1h_price_per_1m: DerivedUsd
    reasoning_price_per_1m: DerivedUsd
    request_price: Fee


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
    scope: Annotated[str, Meta(description="provider, account or api_key; seller of the catalogue; empty: all usage.")]
    scope_value: Annotated[str, Meta(description="The provider, account, key_id of the client key, or seller.")]


class ScopedPrice(Struct, frozen=True):
    """What a model costs by hand at a provider, on an account or for a client key, before its price for all usage."""

    model: str
    scope: Annotated[str, Meta(description="provider, account or api_key.")]
    scope_value: Annotated[str, Meta(description="The provider, account, or key_id of the client key.")]
    sets: list[DatedPrice]


class Price(Struct, frozen=True):
    """What a model costs today: the base card of the set in force, and all its sets but those of `scoped`."""

    model: str
    prompt_price_per_1m: Usd
    completion_price_per_1m: Usd
    cache_price_per_1m: Annotated[float, Meta(description="Cache reads, USD per million tokens.")]
    cache_write_price_per_1m: DerivedUsd
    cache_write_1h_price_per_1m: DerivedUsd
    reasoning_price_per_1m: DerivedUsd
    request_price: Fee
    updated_at: datetime
    valid_from: Annotated[date | None, Meta(description="Local date the price began on; null: always.")]
    origin: Annotated[str, Meta(description="manual or catalogue.")]
    sets: list[DatedPrice]


class Prices(Listing, frozen=True, kw_only=True):
    """Models priced today, by name, and the prices that only some usage has."""

    items: list[Price]
    scoped: list[ScopedPrice]


class PriceChanged(Struct, frozen=True):
    """It is done."""

    ok: bool = True


def prices(stamp: int, today: date, query: ListQuery = ALL) -> Prices:
    """The models that have a price on a local date, and the prices that only some usage has, as asked for.

    `stamp`: Revision.current_stamp(), for which answers are cached.
    """
    read = _read if stamp else _read.__wrapped__  # before the first change there is no stamp
    found = read(stamp, today)
    items, scoped = (query.among(rows, attrgetter("model")) for rows in (found.items, found.scoped))
    totals = totals_of(items=(len(items), query.of(items)), scoped=(len(scoped), query.of(scoped)))
    return Prices(items=query.of(items), scoped=query.of(scoped), totals=totals)


@lru_cache(2)
def _read(stamp, today):
    with_sets = Model.objects.filter(pk__in=PriceSet.objects.values("model"))  # of all others there may be many
    models = list(with_sets.with_prices(today).order_by("name"))
    scoped = [price for model in models for price in _scoped(model, today)]
    return Prices(items=[_price(model, today) for model in models if model.is_priced], scoped=scoped)


def _price(model: Model, today: date) -> Price:
    sets = [each for each in model.price_sets.all() if each.scope in {Scope.EVERYTHING, Scope.SELLER}]
    in_force = model.set_in_force(today)
    base = in_force.base
    return Price(
        model=model.name,
        **{**_rates(base), "cache_price_per_1m": usd_per_million(base.rates.cache_read)},
        updated_at=in_force.updated_at,
        valid_from=in_force.valid_from,
        origin=in_force.origin,
        sets=[_set(each, model, today) for each in sets],
    )


def _scoped(model: Model, today: date) -> list[ScopedPrice]:
    """The prices that people gave to some usage of a model, one for each provider, account and client key."""
    sets = {}
    for each in model.price_sets.all():
        if each.scope not in {Scope.EVERYTHING, Scope.SELLER}:
            sets.setdefault(each.place, []).append(_set(each, model, today))
    return [ScopedPrice(model.name, *place, sets[place]) for place in sorted(sets)]


def _set(price_set: PriceSet, model: Model, today: date) -> DatedPrice:
    rivals = price_set.rivals(model.price_sets.all())
    return DatedPrice(
        valid_from=price_set.valid_from,
        origin=price_set.origin,
        in_force=set_in_force(rivals, model.catalogue_blocked, today) is price_set,
        overridden=price_set in overridden(rivals, model.catalogue_blocked),
        matched=price_set.matched,
        note=price_set.note,
        updated_at=price_set.updated_at,
        cards=[_card(card) for card in price_set.cards.all()],
        scope=price_set.scope,
        scope_value=price_set.scope_value,
    )


def _card(card: RateCard) -> PriceCard:
    hours = card.hours.split("-") if card.hours else (None, None)
    return PriceCard(card.tier, card.context_over, *hours, **_rates(card))


def _rates(card: RateCard) -> dict:
    rates = {name: (getattr(card, field.source), field.shown) for name, field in RATES.items()}
    return {name: None if rate is None else shown(rate) for name, (rate, shown) in rates.items()}
