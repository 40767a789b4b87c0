"""Numbers as pages show them."""

import pytest

from usage.dashboard import formats
from usage.dashboard.panels.cards import points_changed


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "–"),
        (0, "0"),
        (999, "999"),
        (48_213, "48,213"),
        (99_999, "99,999"),
        (100_000, "100k"),
        (999_499, "999k"),
        (999_950, "1.00M"),
        (1_240_000, "1.24M"),
        (12_400_000, "12.4M"),
        (1_240_000_000, "1.24B"),
        (2 * 10**12, "2.00T"),
        (2.5, "2.5"),
    ],
)
def test_counts(number, text):
    assert formats.compact(number) == text


@pytest.mark.parametrize(("number", "text"), [(9_999, "9,999"), (10_000, "10.0k"), (89_123, "89.1k"), (None, "–")])
def test_counts_in_narrow_columns(number, text):
    assert formats.short(number) == text


@pytest.mark.parametrize(
    ("dollars", "text", "exact"),
    [
        (None, "–", "–"),
        (0, "$0", "$0"),
        (0.000012, "<$0.0001", "$0.000012"),
        (0.0261, "$0.0261", "$0.0261"),
        (214.376, "$214.38", "$214.376"),
        (1234.5, "$1,234.50", "$1234.5"),
        (1_240_000.0, "$1.24M", "$1240000"),
    ],
)
def test_money(dollars, text, exact):
    assert (formats.usd(dollars), formats.money_exact(dollars)) == (text, exact)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (0, "0%"),
        (1, "100%"),
        (0.979, "97.9%"),
        (0.99999, ">99.9%"),
        (1 - 1e-15, "100%"),
        (1e-15, "<0.1%"),
        (0.0001, "<0.1%"),
        (0.5, "50.0%"),
    ],
)
def test_shares_are_never_all_or_nothing_when_they_are_not_quite(share, text):
    assert formats.percent(share) == text


@pytest.mark.parametrize(
    ("ms", "text"), [(None, "–"), (532, "532 ms"), (1310, "1.31 s"), (14_700, "14.7 s"), (72_400, "1 m 12 s")]
)
def test_durations(ms, text):
    assert formats.duration(ms) == text


@pytest.mark.parametrize(("count", "text"), [(None, "–"), (12, "12 B"), (1200, "1.20 kB"), (15_000_000, "15.0 MB")])
def test_sizes(count, text):
    assert formats.size(count) == text


@pytest.mark.parametrize(
    ("now", "before", "change", "trend"),
    [
        (0.95, None, "", "none"),
        (0.95, 0.95, "±0 pt", "flat"),
        (0.95, 0.947, "+0.3 pt", "flat"),
        (0.95, 0.90, "+5.0 pt", "up"),
        (0.90, 0.95, "−5.0 pt", "down"),
    ],
)
def test_only_a_notable_change_of_a_rate_is_good_or_bad(now, before, change, trend):
    assert points_changed(now, before) == (change, trend)
