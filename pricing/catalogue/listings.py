"""What a price catalogue says about a model, and what of it is taken over. Knows neither Django nor the package."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple


class Card(NamedTuple):
    """The rates of one tier and context size, in pico-USD per token; None is the rate it derives from."""

    tier: str
    context_over: int
    prompt: int
    completion: int
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


class DatedCards(NamedTuple):
    """All cards from a local date on (None: always)."""

    valid_from: date | None
    cards: tuple[Card, ...]
    note: str = ""

    def same_as(self, other) -> bool:
        """Whether the other says the same, its cards in whatever order."""
        return other is not None and (set(self.cards), self.note) == (set(other.cards), other.note)


class Listing(NamedTuple):
    """The price sets of a model, oldest first, and what they were found under; without any, `reason` says why."""

    matched: str = ""
    sets: tuple[DatedCards, ...] = ()
    reason: str = ""


def to_json(sets: Iterable[DatedCards]) -> list[dict]:
    """Plain values that JSON can hold."""
    return [
        {
            "valid_from": dated.valid_from and dated.valid_from.isoformat(),
            "note": dated.note,
            "cards": [list(card) for card in dated.cards],
        }
        for dated in sets
    ]


def from_json(values: list[dict]) -> tuple[DatedCards, ...]:
    """What to_json was given."""
    return tuple(
        DatedCards(
            valid_from=value["valid_from"] and date.fromisoformat(value["valid_from"]),
            cards=tuple(Card(*card) for card in value["cards"]),
            note=value["note"],
        )
        for value in values
    )


def refreshed(stored: Iterable[DatedCards], listed: Iterable[DatedCards], today: date) -> tuple[DatedCards, ...]:
    """`stored` brought up to date with `listed` without touching a day before today.

    Rates of today that changed begin today; sets that lie ahead are the listed ones; equal rates make no new set. A
    model without any stored set takes everything.
    """
    if not stored:
        return tuple(listed)
    past = [dated for dated in stored if dated.valid_from is None or dated.valid_from < today]
    ahead = [dated for dated in listed if dated.valid_from is not None and dated.valid_from > today]
    now = in_force(listed, today)
    begins = [DatedCards(today, now.cards, now.note)] if now else []
    return without_repeats([*past, *begins, *ahead])


def without_repeats(sets: Iterable[DatedCards]) -> tuple[DatedCards, ...]:
    """The same prices without sets that equal the one before them."""
    kept: list[DatedCards] = []
    for dated in sets:
        if not kept or set(kept[-1].cards) != set(dated.cards):
            kept.append(dated)
    return tuple(kept)


def differ(one: Iterable[DatedCards], other: Iterable[DatedCards]) -> bool:
    """Whether some day has other rates in the one than in the other."""
    return any(_cards_on(one, day) != _cards_on(other, day) for day in {dated.valid_from for dated in (*one, *other)})


def in_force(sets: Iterable[DatedCards], day: date | None) -> DatedCards | None:
    """The set of a day; None as the day is before every date."""
    begun = [dated for dated in sets if dated.valid_from is None or (day is not None and dated.valid_from <= day)]
    return begun[-1] if begun else None


def _cards_on(sets, day):
    dated = in_force(sets, day)
    return dated and set(dated.cards)
