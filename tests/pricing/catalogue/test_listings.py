"""What of a catalogue's answer is taken over: from today on, never for days gone by."""

import json
from datetime import date

import msgspec
import pytest

from pricing.catalogue.listings import (
    Card,
    DatedCards,
    differ,
    refreshed,
    without_repeats,
)
from pricing.models import CatalogueEntry
from pricing.precedence import latest

NOV_1, NOV_10, NOV_24, DEC_1 = date(2026, 11, 1), date(2026, 11, 10), date(2026, 11, 24), date(2026, 12, 1)


def dated(valid_from, *prompts, note=""):
    """A set whose cards differ in their prompt rate, one a step."""
    return DatedCards(valid_from, tuple(Card("", i * 1000, prompt, 2) for i, prompt in enumerate(prompts)), note)


@pytest.mark.parametrize(
    ("stored", "listed", "wanted"),
    [
        ([dated(None, 1)], [dated(None, 1)], [dated(None, 1)]),
        ([dated(None, 1), dated(NOV_10, 2)], [dated(None, 1), dated(NOV_10, 2)], [dated(None, 1), dated(NOV_10, 2)]),
        ([], [dated(None, 1), dated(NOV_10, 2)], [dated(None, 1), dated(NOV_10, 2)]),
        # A change begins today, whatever the catalogue now says of the days before.
        ([dated(None, 1)], [dated(None, 2)], [dated(None, 1), dated(NOV_24, 2)]),
        ([dated(None, 1)], [dated(None, 1), dated(NOV_10, 2)], [dated(None, 1), dated(NOV_24, 2)]),
        ([dated(None, 1), dated(NOV_10, 3)], [dated(None, 3)], [dated(None, 1), dated(NOV_10, 3)]),
        # A second change of the same day replaces the first.
        ([dated(None, 1), dated(NOV_24, 2)], [dated(None, 3)], [dated(None, 1), dated(NOV_24, 3)]),
        ([dated(None, 1), dated(NOV_24, 2)], [dated(None, 1)], [dated(None, 1)]),
        # What lies ahead is the catalogue's to change.
        ([dated(None, 1)], [dated(None, 1), dated(DEC_1, 2)], [dated(None, 1), dated(DEC_1, 2)]),
        ([dated(None, 1), dated(DEC_1, 2)], [dated(None, 1)], [dated(None, 1)]),
        ([dated(None, 1)], [dated(DEC_1, 2)], [dated(None, 1), dated(DEC_1, 2)]),
        # A threshold is a change too.
        ([dated(None, 1)], [dated(None, 1, 5)], [dated(None, 1), dated(NOV_24, 1, 5)]),
    ],
)
def test_a_refresh_changes_today_and_what_lies_ahead(stored, listed, wanted):
    assert refreshed(stored, listed, NOV_24) == tuple(wanted)


def test_equal_rates_make_no_new_set():
    assert without_repeats([dated(None, 1), dated(NOV_1, 1), dated(NOV_10, 2)]) == (dated(None, 1), dated(NOV_10, 2))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([], [], False),
        ([dated(None, 1)], [], True),
        ([dated(None, 1)], [dated(None, 1)], False),
        ([dated(None, 1)], [dated(None, 1), dated(NOV_10, 1)], False),
        ([dated(None, 1)], [dated(None, 1), dated(NOV_10, 2)], True),
        ([dated(NOV_10, 1)], [dated(None, 1)], True),
        ([dated(None, 1, note="a")], [dated(None, 1, note="b")], False),
    ],
)
def test_lists_differ_when_some_day_has_other_rates(one, other, expected):
    assert (differ(one, other), differ(other, one)) == (expected, expected)


def test_the_set_in_force_is_the_last_that_began():
    sets = [dated(NOV_1, 1), dated(NOV_10, 2)]
    assert [latest(sets, day) for day in (date.min, date(2026, 10, 31), NOV_1, NOV_24)] == [None, None, *sets]


def test_what_is_kept_as_json_reads_back():
    sets = (dated(None, 1, 2, note="Upper bound"), DatedCards(NOV_10, (Card("flex", 0, 1, 2, 0, None, 7),)))
    values = json.loads(json.dumps(msgspec.to_builtins(sets)))
    assert CatalogueEntry(sets=values).listing.sets == sets
