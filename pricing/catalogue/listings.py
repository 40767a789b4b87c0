"""Price sets that a catalogue lists for a model, and how stored ones follow them. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from pricing.precedence import begins, latest


class Card(NamedTuple):
    """The rates of one tier and context size, in pico-USD per token; None is the rate it derives from.

    hours_from, hours_to: minutes of the UTC day between which it holds, perhaps over midnight; None: all day.
    request: a fee for each success, in pico-USD.
    """

    tier: str
    context_over: int
    prompt: int
    completion: int
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    cache_write_1h: int | None = None
    request: int | None = None
    hours_from: int | None = None
    hours_to: int | None = None


class DatedCards(NamedTuple):
    """All cards from a local date on (None: always), by tier and context size."""

    valid_from: date | None
    cards: tuple[Card, ...]
    note: str = ""


class Offer(NamedTuple):
    """What a seller (the catalogue's id of a provider) lists for a model: price sets of the entry provider/id."""

    seller: str
    matched: str
    sets: tuple[DatedCards, ...]


class Listing(NamedTuple):
    """The price sets of a model, oldest first, and the entry they are from; without any, `reason` says why.

    `offers` are those of the sellers it was reached at, `candidates` those it could be as well.
    """

    matched: str = ""
    sets: tuple[DatedCards, ...] = ()
    reason: str = ""
    offers: tuple[Offer, ...] = ()
    candidates: tuple[Offer, ...] = ()


def refreshed(stored: Iterable[DatedCards], listed: Iterable[DatedCards], today: date) -> tuple[DatedCards, ...]:
    """`stored` brought up to date with `listed` without touching a day before today.

    Rates of today that changed begin today; sets that lie ahead are the listed ones; equal rates make no new set. A
    model without any stored set takes everything.
    """
    if not stored:
        return tuple(listed)
    past = [dated for dated in stored if begins(dated) < today]
    ahead = [dated for dated in listed if begins(dated) > today]
    now = latest(listed, today)
    todays = [now._replace(valid_from=today)] if now else []
    return without_repeats([*past, *todays, *ahead])


def without_repeats(sets: Iterable[DatedCards]) -> tuple[DatedCards, ...]:
    """The same prices without sets that equal the one before them."""
    kept: list[DatedCards] = []
    for dated in sets:
        if not kept or kept[-1].cards != dated.cards:
            kept.append(dated)
    return tuple(kept)


def differ(one: Iterable[DatedCards], other: Iterable[DatedCards]) -> bool:
    """Whether some day has other rates in the one than in the other."""
    return any(_cards_on(one, day) != _cards_on(other, day) for day in {*map(begins, one), *map(begins, other)})


def _cards_on(sets, day):
    dated = latest(sets, day)
    return dated and dated.cards
