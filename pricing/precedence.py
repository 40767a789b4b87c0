"""Which price set of a model is in force on a local day. Knows nothing of Django: a set is anything with `valid_from`,
the day it begins on (None for always), and `is_manual`.
"""

from collections.abc import Iterable
from datetime import date


def begins(price_set) -> date:
    """The day from which the set holds; always is the first of all days."""
    return price_set.valid_from or date.min


def latest(sets: Iterable, day: date):
    """The set that was the last to begin up to a day, or None."""
    return max((s for s in sets if begins(s) <= day), key=begins, default=None)


def changed_from(sets: Iterable, day: date) -> date | None:
    """The day from which a change holds that is made on a day without naming one: as the last to begin up to it does.

    Where all of them lie ahead, from that day on; where there is none, always.
    """
    begun = latest(sets, day)
    if begun or not sets:
        return begun.valid_from if begun else None
    return day


def set_in_force(sets: Iterable, blocked: bool, day: date):
    """The set that prices a day, or None. A manual set hides the catalogue's from its date on; `blocked` hides all."""
    catalogue = [] if blocked else [s for s in sets if not s.is_manual]
    return latest((s for s in sets if s.is_manual), day) or latest(catalogue, day)


def overridden(sets: Iterable, blocked: bool) -> list:
    """Catalogue sets that a manual set or the block hides on at least one of the days they would be in force on."""
    hidden_from = date.min if blocked else min((begins(s) for s in sets if s.is_manual), default=date.max)
    catalogue = sorted((s for s in sets if not s.is_manual), key=begins)
    ends = [begins(following) for following in catalogue[1:]] + [date.max]
    return [s for s, end in zip(catalogue, ends, strict=False) if hidden_from < end]
