"""Which part of the events a page reads."""

import pytest

from tests.usage.made import NOON, record, stored
from usage.analytics.events.paging import event_page, window_ranges
from usage.query.forms import UsageFilterForm
from usage.query.reader import Reader

pytestmark = pytest.mark.django_db
QUARTER = 900_000_000  # µs


def failures(start, count):
    return [record(start - n, failed=True, fail={"status_code": 500, "body": "x"}) for n in range(count)]


def test_a_page_reads_no_quarter_hour_beyond_the_one_that_fills_it():
    stored(*failures(NOON - 1, 5), *failures(NOON - 1 - QUARTER, 5), *failures(NOON - 1 - 3 * QUARTER, 5))
    form = UsageFilterForm({"range": "all", "result": "failed"})
    assert form.is_valid()
    asked = form.usage_filter()
    reader = Reader.of(asked).kept()
    read = {window: len(window_ranges(reader, *window)[0]) for window in [(0, 5), (0, 6), (5, 5), (9, 1), (9, 2)]}
    assert read == {(0, 5): 1, (0, 6): 2, (5, 5): 1, (9, 1): 1, (9, 2): 2}
    assert [len(event_page(asked, page, 6).items) for page in (1, 2, 3)] == [6, 6, 3]
