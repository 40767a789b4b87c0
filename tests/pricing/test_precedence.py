"""Which set is in force when, and what is hidden."""

from datetime import date, timedelta
from typing import NamedTuple

import pytest

from pricing.precedence import overridden, set_in_force

FIRST = date(2026, 1, 1)


def day(number):
    return FIRST + timedelta(days=number)


class Set(NamedTuple):
    valid_from: date | None
    is_manual: bool = True


ALWAYS, AT_100, AT_200 = Set(None), Set(day(100)), Set(day(200))
LISTED, LISTED_AT_50, LISTED_AT_100, LISTED_AT_150 = (Set(d, False) for d in (None, day(50), day(100), day(150)))
LONG_AGO, LATE = date(2000, 1, 1), date(2199, 12, 31)


def in_force(sets, *days, blocked=False):
    return [set_in_force(sets, blocked, each) for each in days]


def test_no_set_is_no_price():
    assert in_force([], LONG_AGO, LATE) == [None, None]


def test_a_set_for_always_is_in_force_on_every_day():
    assert in_force([ALWAYS], LONG_AGO, LATE) == [ALWAYS, ALWAYS]


def test_the_days_before_the_first_set_have_no_price():
    assert in_force([AT_100], LONG_AGO, day(99), day(100), LATE) == [None, None, AT_100, AT_100]


@pytest.mark.parametrize("sets", [[AT_200, ALWAYS, AT_100], [ALWAYS, AT_100, AT_200]])
def test_each_set_lasts_until_the_eve_of_the_next_whatever_their_order(sets):
    days = (LONG_AGO, day(99), day(100), day(199), day(200), LATE)
    assert in_force(sets, *days) == [ALWAYS, ALWAYS, AT_100, AT_100, AT_200, AT_200]


def test_a_manual_set_hides_the_catalogue_from_its_date_on():
    sets = [LISTED, LISTED_AT_50, LISTED_AT_150, AT_100]
    days = (day(49), day(50), day(99), day(100), day(150), LATE)
    assert in_force(sets, *days) == [LISTED, LISTED_AT_50, LISTED_AT_50, AT_100, AT_100, AT_100]
    assert overridden(sets, blocked=False) == [LISTED_AT_50, LISTED_AT_150]


@pytest.mark.parametrize("sets", [[AT_100, LISTED_AT_100], [LISTED_AT_100, AT_100]])
def test_on_one_day_the_manual_set_wins(sets):
    assert in_force(sets, day(99), day(100)) == [None, AT_100]
    assert overridden(sets, blocked=False) == [LISTED_AT_100]


def test_a_block_hides_the_catalogue_and_no_manual_set():
    assert in_force([LISTED, AT_100], day(99), day(100), blocked=True) == [None, AT_100]
    assert overridden([LISTED, AT_100], blocked=True) == [LISTED]
    assert overridden([LISTED, LISTED_AT_50], blocked=True) == [LISTED, LISTED_AT_50]


def test_a_manual_set_for_always_hides_all_of_the_catalogue():
    assert overridden([LISTED, LISTED_AT_50, ALWAYS], blocked=False) == [LISTED, LISTED_AT_50]


def test_nothing_is_overridden_without_a_manual_set_or_a_block():
    assert overridden([LISTED, LISTED_AT_100], blocked=False) == []
    assert overridden([ALWAYS, AT_100], blocked=False) == []
    assert overridden([], blocked=True) == []


def test_a_set_that_ended_before_the_manual_one_began_is_not_overridden():
    assert overridden([LISTED, LISTED_AT_100, AT_100], blocked=False) == [LISTED_AT_100]
