"""Money as integers: exact, rounded half-even, within a column."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.rates import MOST, Rates, checked_pico, cost, filled, pico, rates_of_classes, usd_per_million
from pricing.tokenclasses import CLASSES

RATES = Rates(
    prompt=1_250_000,
    completion=10_000_000,
    cache_read=125_000,
    cache_write=1_562_500,
    cache_write_1h=2_500_000,
    reasoning=9_000_000,
    request=0,
)
PER_CLASS = {
    "uncached": 1_250_000,
    "cache_read": 125_000,
    "cache_write": 1_562_500,
    "cache_write_1h": 2_500_000,
    "cache_write_unspecified": 1_562_500,
    "output": 10_000_000,
    "reasoning": 9_000_000,
    "unclassified": 1_250_000,
}


def test_each_class_is_billed_at_its_own_rate_and_unclassified_at_the_prompt_rate():
    assert rates_of_classes(RATES) == PER_CLASS
    for name, rate in PER_CLASS.items():
        assert cost(RATES, [int(each == name) for each in CLASSES]) == rate


def test_the_classes_and_the_fees_of_successes_add_up():
    tokens = [1000, 200, 30, 7, 11, 400, 50, 6]
    expected = sum(count * PER_CLASS[name] for name, count in zip(CLASSES, tokens, strict=True))
    assert cost(RATES, tokens) == expected
    assert cost(RATES._replace(request=40_000), tokens, requests=3, successes=2) == expected + 80_000


def test_rates_left_out_are_the_ones_they_derive_from():
    left_out = dict.fromkeys(("cache_read", "cache_write", "cache_write_1h", "reasoning", "request"))
    assert filled({"prompt": 3, "completion": 5} | left_out) == Rates(3, 5, 3, 3, 3, 5, 0)
    assert filled({"prompt": 3, "completion": 5} | left_out | {"cache_write": 4}).cache_write_1h == 4


def test_no_tokens_cost_nothing():
    assert cost(RATES, [0] * len(CLASSES)) == 0


def test_a_cost_fits_a_column_ninety_times():
    dearest = cost(Rates(*[MOST] * 7), [10**9] * len(CLASSES))
    assert dearest == 10**17
    assert dearest * 90 < 2**63


@pytest.mark.parametrize(
    ("usd", "expected"),
    [
        (0, 0),
        (1, 1_000_000),
        (10_000, 10_000_000_000),
        (0.1, 100_000),
        (1.25, 1_250_000),
        (1e-6, 1),
        ("0.075", 75_000),
        (Decimal("2.50"), 2_500_000),
        ("0.0000005", 0),  # half to even
        ("0.0000015", 2),
        ("0.0000025", 2),
        ("0.00000250000000000000000000000000000001", 3),  # no rounding on the way
        (0.0000035, 4),
        (-0.0, 0),
        (-1, -1_000_000),
    ],
)
def test_rates_are_rounded_half_even_to_a_millionth(usd, expected):
    assert pico(usd) == expected


@pytest.mark.parametrize("bad", ["", "one", float("nan"), float("inf"), "-Infinity", Decimal("sNaN"), 10**40])
def test_what_is_no_amount_is_refused(bad):
    with pytest.raises(ValueError, match="is no amount of USD"):
        pico(bad)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (float("nan"), "A rate is a finite number."),
        (float("inf"), "A rate is a finite number."),
        (float("-inf"), "A rate is a finite number."),
        (-0.000_000_1, "A rate is never negative."),
        (0.000_000_1, "A rate is 0, or at least 0.000001 USD."),
        (5e-324, "A rate is 0, or at least 0.000001 USD."),
        (-1, "A rate is never negative."),
        (10_000.000_000_1, "A rate is at most 10,000 USD per million tokens."),
        (10**300, "A rate is at most 10,000 USD per million tokens."),
    ],
)
def test_an_impossible_rate_is_refused_with_a_sentence(bad, sentence):
    with pytest.raises(ValueError) as refused:
        checked_pico(bad)
    assert str(refused.value) == sentence


def test_the_highest_and_the_lowest_rate_pass():
    assert (checked_pico(0), checked_pico(10_000), checked_pico(Decimal("0.5"))) == (0, MOST, 500_000)


@given(st.integers(0, MOST))
def test_a_rate_reads_back_from_what_is_shown(rate):
    assert pico(usd_per_million(rate)) == rate
