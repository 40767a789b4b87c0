"""Which price set of a model is in force on a day. Knows nothing of Django: a set is anything with `first_day`
(the local date it begins on, in days since 1970-01-01; None for always) and `is_manual`.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

ALWAYS = float("-inf")
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class DayRange(NamedTuple):
    """Local days first..last, both included, None where open; `set` is in force on all of them (None: unpriced)."""

    first: int | None
    last: int | None
    set: Any


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - EPOCH_ORDINAL


def sets_in_force(sets: Iterable, blocked: bool) -> list[DayRange]:
    """All days, in order. A manual set hides the catalogue's from its date on; `blocked` hides all of these."""
    manual = _in_order(s for s in sets if s.is_manual)
    hidden_from = _start(manual[0]) if manual else None
    catalogue = [] if blocked else _in_order(s for s in sets if not s.is_manual)
    shown = [s for s in catalogue if hidden_from is None or _start(s) < hidden_from]
    return _ranges(shown + manual)


def set_on(ranges: list[DayRange], day: int):
    """The set in force on a day, or None."""
    return ranges[bisect_right(ranges, day, lo=1, key=lambda days: days.first) - 1].set


def set_in_force(sets: Iterable, blocked: bool, day: date):
    """The set in force on a local date, or None."""
    return set_on(sets_in_force(sets, blocked), day_number(day))


def overridden(sets: Iterable, blocked: bool) -> list:
    """Catalogue sets that a manual set or the block hides on at least one of the days they would be in force on."""
    manual = [_start(s) for s in sets if s.is_manual]
    return [
        days.set
        for days in _ranges(_in_order(s for s in sets if not s.is_manual))
        if days.set is not None and (blocked or (manual and (days.last is None or min(manual) <= days.last)))
    ]


def _in_order(sets):
    return sorted(sets, key=_start)


def _start(price_set):
    return ALWAYS if price_set.first_day is None else price_set.first_day


def _ranges(in_order):
    """Each set lasts until the eve of the next; the days before the first set have none."""
    starts = [(s.first_day, s) for s in in_order]
    if not starts or starts[0][0] is not None:
        starts.insert(0, (None, None))
    return [
        DayRange(first, None if after is None else after - 1, price_set)
        for (first, price_set), (after, _) in pairwise([*starts, (None, None)])
    ]
