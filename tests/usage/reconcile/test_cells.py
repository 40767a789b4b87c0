"""Cells: read where they can be read in one way, refused where there are two. Names of models that are one model."""

from decimal import Decimal

import pytest

from usage.reconcile.cells import BadCell, amount, count, day
from usage.reconcile.naming import identity
from usage.time.periods import date_of


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", None),
        ("0.003835980000000000000000000000", "0.00383598"),
        ("1.2e-05", "0.000012"),
        ("1,234.5", "1234.5"),
        ("1,234,567", "1234567"),
        ("1.234", "1.234"),
        ("$1.50", "1.5"),
        ("-$0.20", "-0.2"),
    ],
)
def test_numbers(text, number):
    assert amount(text) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    "text", ["1,234", "12,5", "1.234,5", "1234,567", "1$2", "--1", "(1)", "one", "1e", "1 000", "nan", "inf", "9" * 41]
)
def test_what_is_no_number_or_two_is_refused(text):
    with pytest.raises(BadCell):
        amount(text)


def test_a_count_is_whole():
    assert count("3.0") == 3
    with pytest.raises(BadCell, match="whole"):
        count("3.5")


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-24", "Asia/Shanghai", "2026-11-24"),
        ("2026-11-24T23:30:00Z", "UTC", "2026-11-24"),
        ("2026-11-24T23:30:00Z", "Asia/Shanghai", "2026-11-25"),
        ("2026-11-24 23:30:00 UTC", "Asia/Shanghai", "2026-11-25"),
        ("2026-11-24 23:30:00", "Asia/Shanghai", "2026-11-24"),
        ("1795392000", "America/Los_Angeles", "2026-11-22"),
    ],
)
def test_days(text, zone, expected):
    assert date_of(day(text, zone)).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["", "11/24/2026", "24.11.2026", "2026-02-30", "2026-11", "1999-01-01", "0999999999", "9999999999", "soon"]
)
def test_what_is_no_day_is_refused(text):
    with pytest.raises(BadCell, match="write it as 2026-11-24"):
        day(text, "UTC")


@pytest.mark.parametrize(
    "names",
    [
        (
            "claude-sonnet-4-5-20250929",
            "claude-sonnet-4-5(high)",
            "Claude Sonnet 4.5",
            "anthropic/claude-4.5-sonnet-20250929",
            "claude-sonnet-4-5@20250929",
        ),
        ("gpt-5-2025-08-07", "openai/gpt-5", "gpt-5-high"),
        ("models/gemini-3-flash-preview", "gemini-3-flash"),
    ],
)
def test_spellings_of_one_model(names):
    assert len(set(map(identity, names))) == 1


def test_models_that_are_not_one():
    names = ["gpt-5.4", "gpt-4.5", "gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "o3", "o3-mini", "grok-4:free"]
    assert len(set(map(identity, [*names, "grok-4", "gemini-2.5-flash", "gemini-2.5-flash-lite"]))) == len(names) + 3
