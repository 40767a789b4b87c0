"""A period in parts: those in which something was used."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.usage.made import DAY, NOON, record, stored
from usage.analytics.reports.parts import parts_of, report
from usage.query.filters import UsageFilter
from usage.time.periods import parse_moment, resolve

pytestmark = pytest.mark.django_db
SHANGHAI = "Asia/Shanghai"


def since(day):
    start, end = (parse_moment(text, SHANGHAI) for text in (day, "2026-11-25"))
    return UsageFilter(resolve("custom", start, end, now=NOON, zone=SHANGHAI))


@pytest.fixture(autouse=True)
def used(set_clock):
    """Something on four days of two months, the first of them at its first and last moment."""
    set_clock(NOON)
    midnight = parse_moment("2026-10-30", SHANGHAI)
    stored(*(record(at) for at in (midnight, midnight + DAY - 1, NOON - 20 * DAY, NOON - 7 * DAY, NOON)))


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("day", [("2026-10-30", 2), ("2026-11-04", 1), ("2026-11-17", 1), ("2026-11-24", 1)]),
        ("week", [("2026-10-26", 2), ("2026-11-02", 1), ("2026-11-16", 1), ("2026-11-23", 1)]),
        ("month", [("2026-10-01", 2), ("2026-11-01", 3)]),
    ],
)
@pytest.mark.parametrize("start", ["2020-01-01", "2026-10-30"])
def test_of_a_long_period_only_parts_with_something_are_read(every, expected, start):
    asked = since(start)
    assert [(str(part.first), part.figures.total) for part in report(asked, every).parts] == expected
    assert [str(first) for first, _ in parts_of(asked, every)] == [first for first, _ in expected]


def test_years_without_records_cost_no_queries():
    counts = []
    for start in ("2026-10-30", "2018-01-01"):
        with CaptureQueriesContext(connection) as queries:
            assert report(since(start), "day", "model").parts[0].first == date(2026, 10, 30)
        counts.append(len(queries))
    assert counts[0] == counts[1]
