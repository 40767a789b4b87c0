"""The price catalogue of the installed genai-prices package, read into our cards. It loads the package: 25 MB.

Only list prices of tokens are read. Searches, fees per request, audio, images, one-hour cache writes, subscriptions
and modes that no service tier names are not priced.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from genai_prices.data import providers
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint

from pricing.catalogue.listings import Card, DatedCards, Listing, without_repeats
from pricing.catalogue.matching import Unmatched, is_free, resolve
from pricing.rates import DERIVED, MOST, Rates, filled, pico

UPPER_BOUND = "Upper bound: the price depends on the time of day, and this is the dearest."
NO_RATES = "The catalogue lists it as {} without a price per token."
# Our tiers by name, and the conditions under which the catalogue may price them; the first that it does counts.
TIERS = {
    "batch": ({"processing": "batch"}, {"service_tier": "batch"}),
    "flex": ({"service_tier": "flex"},),
    "priority": ({"service_tier": "priority"}, {"service_tier": "fast"}),
}
FREE = (DatedCards(None, (Card("", 0, prompt=0, completion=0),)),)
RATES = {
    "prompt": "input_mtok",
    "completion": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "reasoning": "output_reasoning_mtok",
}


def look_up(name: str, routes: set[str]) -> Listing:
    """The catalogue's price sets of a model that was reached over these routes (CPA's providers)."""
    try:
        provider, info = resolve(name, routes, providers, price_sets)
    except Unmatched as error:
        if is_free(name):
            return Listing(f"openrouter/{name}", FREE)
        return Listing(reason=str(error))
    matched = f"{provider}/{info.id}"
    sets = price_sets(info)
    return Listing(matched, sets, "" if sets else NO_RATES.format(matched))


def price_sets(info: ModelInfo) -> tuple[DatedCards, ...]:
    """The dated sets of a listed model, oldest first; none when it has no price per token.

    The catalogue's dates are days in UTC; they are taken for local ones.
    """
    dates = sorted(_start_dates(info))
    eve = dates[0] - timedelta(days=1) if dates else date(2000, 1, 1)
    sets = [_set_on(info, day, valid_from) for day, valid_from in [(eve, None), *((day, day) for day in dates)]]
    found = without_repeats(dated for dated in sets if dated.cards)
    return FREE if not found and is_free(info.id) else found


def _start_dates(info: ModelInfo) -> set[date]:
    return {c.start_date for c in _constraints(info) if isinstance(c, StartDateConstraint)}


def _constraints(info: ModelInfo) -> Iterator:
    prices = [] if isinstance(info.prices, ModelPrice) else info.prices
    yield from (conditional.constraint for conditional in (*prices, *(info.price_variants or ())))


def _set_on(info: ModelInfo, day: date, valid_from: date | None) -> DatedCards:
    """The prices of a day; where the time of day changes them, each rate is the dearest."""
    moments = [datetime.combine(day, clock, UTC) for clock in sorted(_clock_times(info))]
    standard = [info.get_prices(moment) for moment in moments]
    cards = _dearest(standard, "")
    if not cards:
        return DatedCards(valid_from, ())
    for tier, conditions in TIERS.items():
        prices = next((p for c in conditions if (p := [info.get_prices(m, c) for m in moments]) != standard), None)
        if prices:
            cards += _dearest(prices, tier)
    changes = len({repr(price) for price in standard}) > 1
    return DatedCards(valid_from, tuple(cards), UPPER_BOUND if changes else "")


def _clock_times(info: ModelInfo) -> set[time]:
    """UTC times at which the price of some day may change."""
    times = {time(0)}
    for constraint in _constraints(info):
        if isinstance(constraint, TimeOfDateConstraint):
            times |= {clock.replace(tzinfo=None) for clock in (constraint.start_time, constraint.end_time)}
    return times


def _dearest(prices: list[ModelPrice], tier: str) -> list[Card]:
    """The cards of a tier, one a context step at which a rate changes; none without rates."""
    steps = sorted({0} | {t.start for p in prices for v in _listed(p) if isinstance(v, TieredPrices) for t in v.tiers})
    cards: list[Card] = []
    for step in steps:
        rates = [_rates_over(price, step) for price in prices if any(v is not None for v in _listed(price))]
        if not rates or any(rate > MOST for found in rates for rate in found):
            return []
        card = _card(tier, step, Rates(*map(max, zip(*rates, strict=True))))
        if not cards or card[2:] != cards[-1][2:]:
            cards.append(card)
    return cards


def _listed(price: ModelPrice) -> list:
    return [getattr(price, key) for key in RATES.values()]


def _rates_over(price: ModelPrice, step: int) -> Rates:
    """The rates where the input is larger than the step; a prompt or completion without a price costs nothing."""
    found = {name: _over(getattr(price, key), step) for name, key in RATES.items()}
    rates = {name: 0 if rate is None and name not in DERIVED else rate for name, rate in found.items()}
    return filled(rates | {"request": None})


def _over(value: Decimal | TieredPrices | None, step: int) -> int | None:
    if isinstance(value, TieredPrices):
        value = next((tier.price for tier in reversed(value.tiers) if tier.start <= step), value.base)
    return None if value is None else pico(value)


def _card(tier, step, rates: Rates) -> Card:
    """A card whose derived rates are left out."""
    found = rates._asdict()
    left_out = {name: None for name, base in DERIVED.items() if found[name] == found[base]}
    return Card(tier, step, **found | left_out | {"request": found["request"] or None})
