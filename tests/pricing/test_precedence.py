"""Which set is in force when: exact spans, and what is hidden."""

from datetime import date
from typing import NamedTuple

from pricing.precedence import DayRange, day_number, overridden, set_on, sets_in_force


class Set(NamedTuple):
    first_day: int | None
    is_manual: bool = True


def test_no_set_is_one_span_without_a_price():
    assert sets_in_force([], blocked=False) == [DayRange(None, None, None)]


def test_a_set_for_always_is_in_force_on_every_day():
    assert sets_in_force([Set(None)], blocked=False) == [DayRange(None, None, Set(None))]


def test_the_days_before_the_first_set_have_no_price():
    assert sets_in_force([Set(100)], blocked=False) == [DayRange(None, 99, None), DayRange(100, None, Set(100))]


def test_each_set_lasts_until_the_eve_of_the_next_whatever_their_order():
    sets = [Set(200), Set(None), Set(100)]
    assert sets_in_force(sets, blocked=False) == [
        DayRange(None, 99, Set(None)),
        DayRange(100, 199, Set(100)),
        DayRange(200, None, Set(200)),
    ]


def test_a_manual_set_hides_the_catalogue_from_its_date_on():
    sets = [Set(None, False), Set(50, False), Set(150, False), Set(100, True)]
    assert sets_in_force(sets, blocked=False) == [
        DayRange(None, 49, Set(None, False)),
        DayRange(50, 99, Set(50, False)),
        DayRange(100, None, Set(100)),
    ]
    assert overridden(sets, blocked=False) == [Set(50, False), Set(150, False)]


def test_on_one_day_the_manual_set_wins():
    sets = [Set(100, True), Set(100, False)]
    assert sets_in_force(sets, blocked=False) == [DayRange(None, 99, None), DayRange(100, None, Set(100))]
    assert overridden(sets, blocked=False) == [Set(100, False)]


def test_a_block_hides_the_catalogue_and_no_manual_set():
    sets = [Set(None, False), Set(100, True)]
    assert sets_in_force(sets, blocked=True) == [DayRange(None, 99, None), DayRange(100, None, Set(100))]
    assert overridden(sets, blocked=True) == [Set(None, False)]
    assert overridden([Set(None, False)], blocked=True) == [Set(None, False)]


def test_nothing_is_overridden_without_a_manual_set_or_a_block():
    assert overridden([Set(None, False), Set(100, False)], blocked=False) == []
    assert overridden([Set(None), Set(100)], blocked=False) == []


def test_a_set_that_ended_before_the_manual_one_began_is_not_overridden():
    assert overridden([Set(None, False), Set(100, False), Set(100)], blocked=False) == [Set(100, False)]


def test_the_set_of_a_day_is_found_at_both_edges_of_its_span():
    spans = sets_in_force([Set(100), Set(200)], blocked=False)
    days = (-10_000, 99, 100, 199, 200, 90_000)
    assert [set_on(spans, day) for day in days] == [None, None, Set(100), Set(100), Set(200), Set(200)]


def test_days_are_counted_from_1970():
    assert [day_number(date(1969, 12, 31)), day_number(date(1970, 1, 1)), day_number(date(2026, 11, 24))] == [
        -1,
        0,
        20781,
    ]
