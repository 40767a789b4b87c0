"""Entries of a price catalogue, as genai-prices reads it, as our cards. It loads that package: 25 MB.

Read are the prices of tokens and requests. What else an entry prices, such as audio or web searches, records give no
quantity of: a set says in its note what its cost leaves out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from genai_prices.data import providers
from genai_prices.types import ModelInfo, ModelPrice, Provider, StartDateConstraint, TieredPrices, TimeOfDateConstraint

from pricing.catalogue.listings import Card, DatedCards, Listing, Offer, without_repeats
from pricing.catalogue.matching import UNKNOWN, Match, ambiguous, is_free, resolve
from pricing.hours import DAY_MINUTES, SLOT
from pricing.rates import DERIVED, MOST, MOST_FEE, Rates, filled, pico

NO_RATES = "The catalogue lists it as {} without a price per token."
LEFT_OUT = "The cost leaves out {}."
ODD_HOURS = "It costs more or less at some hours, which do not begin and end on a quarter: that is left out."
# Our tiers by name, and the conditions under which the catalogue may price them; the first that it does counts.
TIERS = {
    "batch": ({"processing": "batch"}, {"service_tier": "batch"}),
    "flex": ({"service_tier": "flex"},),
    "priority": ({"service_tier": "priority"}, {"service_tier": "fast"}),
    "fast": ({"speed": "fast"},),
}
FREE = (DatedCards(None, (Card("", 0, prompt=0, completion=0),)),)
RATES = {
    "prompt": "input_mtok",
    "completion": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "reasoning": "output_reasoning_mtok",
    "request": "requests_kcount",  # USD per 1000
}
# What a price that is not among RATES is for, by a part of its key.
OTHERS = {
    "web_search": "web searches",
    "storage_search": "searches in files",
    "audio": "audio",
    "image": "images",
    "video": "video",
    "document": "pages of documents",
    "citation": "citations",
    "mchars": "characters",
    "messages": "messages",
}
LONGEST_NOTE = 255


def look_up(
    name: str, sellers: Iterable[str], followed: str = "", chosen: str = "", catalogue: list[Provider] = providers
) -> Listing:
    """What the catalogue lists for a model that was reached at these sellers; see resolve()."""
    found = resolve(name, sellers, catalogue, price_sets, followed, chosen)
    if not (found.default or found.candidates):
        return Listing(f"openrouter/{name}", FREE) if is_free(name) else Listing(reason=UNKNOWN)
    offers = tuple(_offer(seller, match) for seller, match in found.by_seller.items() if seller)
    candidates = tuple(_offer(match.provider, match) for match in found.candidates)
    if found.default is None:
        return Listing("", (), ambiguous(found.candidates), offers, candidates)
    matched, sets = str(found.default), price_sets(found.default.info)
    return Listing(matched, sets, "" if sets else NO_RATES.format(matched), offers, candidates)


def _offer(seller: str, match: Match) -> Offer:
    return Offer(seller, str(match), price_sets(match.info))


def price_sets(info: ModelInfo) -> tuple[DatedCards, ...]:
    """The dated sets of a listed model, oldest first; none when it has no price per token or request.

    The catalogue's dates are days in UTC; they are taken for local ones.
    """
    dates = sorted({c.start_date for c in _constraints(info) if isinstance(c, StartDateConstraint)})
    eve = dates[0] - timedelta(days=1) if dates else date(2000, 1, 1)
    sets = [_set_on(info, day, valid_from) for day, valid_from in [(eve, None), *((day, day) for day in dates)]]
    found = without_repeats(dated for dated in sets if dated.cards)
    return FREE if not found and is_free(info.id) else found


def _constraints(info: ModelInfo) -> Iterator:
    prices = [] if isinstance(info.prices, ModelPrice) else info.prices
    yield from (conditional.constraint for conditional in (*prices, *(info.price_variants or ())))


def _set_on(info: ModelInfo, day: date, valid_from: date | None) -> DatedCards:
    """The prices of a day."""
    limits = _clock_limits(info)
    standard = [info.get_prices(_at(day, limit)) for limit in limits]
    cards = _by_hour("", limits, standard)
    if not cards:
        return DatedCards(valid_from, ())
    for tier, conditions in TIERS.items():
        found = ([info.get_prices(_at(day, limit), condition) for limit in limits] for condition in conditions)
        if prices := next((prices for prices in found if prices != standard), None):
            cards += _by_hour(tier, limits, prices)
    odd = any(limit % SLOT for limit in limits) and len(set(map(repr, standard))) > 1
    left_out = _left_out(standard)
    notes = (ODD_HOURS if odd else "", LEFT_OUT.format(left_out) if left_out else "")
    return DatedCards(valid_from, tuple(cards), " ".join(filter(None, notes))[:LONGEST_NOTE])


def _clock_limits(info: ModelInfo) -> list[float]:
    """Minutes of the UTC day at which prices may change, ascending; 0 where they never do."""
    hours = [c for c in _constraints(info) if isinstance(c, TimeOfDateConstraint)]
    return sorted({_minute(clock) for each in hours for clock in (each.start_time, each.end_time)}) or [0]


def _minute(clock: time) -> float:
    """As the catalogue reads it: in UTC, also where it names another zone."""
    moment = datetime.combine(date(2000, 1, 2), clock, clock.tzinfo or UTC).astimezone(UTC)
    return moment.hour * 60 + moment.minute + (moment.second + moment.microsecond / 1e6) / 60


def _at(day: date, minute: float) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(minutes=minute)


def _by_hour(tier: str, limits: list[float], prices: list[ModelPrice]) -> list[Card]:
    """The cards of a tier: for all day those that hold longest, for hours the others; none without rates.

    `prices` hold from the limits on, the last one over midnight until the first.
    """
    found = [_cards(price, tier) for price in prices]
    ends = [*limits[1:], limits[0]]
    lasting = Counter()
    for cards, start, end in zip(found, limits, ends, strict=True):
        lasting[cards] += (end - start) % DAY_MINUTES or DAY_MINUTES
    usual = max(lasting, key=lasting.get)
    by_hour = [
        card._replace(hours_from=int(start), hours_to=int(end))
        for cards, start, end in zip(found, limits, ends, strict=True)
        if usual and cards != usual and not any(limit % SLOT for limit in limits)
        for card in cards
    ]
    return [*usual, *by_hour]


def _cards(price: ModelPrice, tier: str) -> tuple[Card, ...]:
    """The cards of a price, one a context step at which a rate changes; none without rates.

    A rate that is the one it derives from is left out.
    """
    listed = [getattr(price, key) for key in RATES.values()]
    if all(value is None for value in listed):
        return ()
    steps = sorted({0} | {t.start for value in listed if isinstance(value, TieredPrices) for t in value.tiers})
    cards: list[Card] = []
    for step in steps:
        rates = _rates_over(price, step)
        if max(rates._replace(request=0)) > MOST or rates.request > MOST_FEE:
            return ()
        derived = {name: None for name, base in DERIVED.items() if getattr(rates, name) == getattr(rates, base)}
        card = Card(tier, step, **rates._asdict() | derived | {"request": rates.request or None})
        if not cards or card[2:] != cards[-1][2:]:
            cards.append(card)
    return tuple(cards)


def _rates_over(price: ModelPrice, step: int) -> Rates:
    """The rates where the input is larger than the step; a prompt or completion without a price costs nothing."""
    found = {name: _over(getattr(price, key), step) for name, key in RATES.items()}
    rates = {name: 0 if rate is None and name not in DERIVED else rate for name, rate in found.items()}
    return filled(rates | {"request": rates["request"] * 1000})


def _over(value: Decimal | TieredPrices | None, step: int) -> int | None:
    if isinstance(value, TieredPrices):
        value = next((tier.price for tier in reversed(value.tiers) if tier.start <= step), value.base)
    return None if value is None else pico(value)


def _left_out(prices: Iterable[ModelPrice]) -> str:
    """What these prices list that is not read, in words."""
    keys = {key for price in prices for key, value in vars(price).items() if value} - {*RATES.values()}
    plain = {key: key.rpartition("_")[0].replace("_", " ") for key in keys}
    names = sorted({next((words for part, words in OTHERS.items() if part in key), plain[key]) for key in keys})
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
