"""When a thing was last seen."""

import pytest

from usage.admin.lastseen import last_seen


@pytest.mark.parametrize(
    ("day", "month", "text"),
    [
        (20_781, 682, "2026-11-24"),
        (0, 0, "1970-01-01"),
        (None, 682, "2026-11"),
        (None, 0, "1970-01"),
        (None, None, "–"),
    ],
)
def test_a_day_a_month_or_nothing(day, month, text):
    assert last_seen(day, month) == text
