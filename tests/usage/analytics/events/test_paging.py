"""Which part of the events a page reads."""

import pytest

from tests.usage.made import HOUR, NOON, record, stored
from usage.analytics.events.paging import event_page, window_ranges
from usage.analytics.exports import tables
from usage.models import Event
from usage.query.filters import UsageFilter
from usage.query.forms import UsageFilterForm
from usage.query.reader import Reader
from usage.time.periods import Period

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


def test_an_export_goes_on_where_retention_removes_the_events_it_came_to(monkeypatch):
    monkeypatch.setattr(tables, "PAGE", 4)
    stored(*(record(NOON - number * HOUR) for number in range(30)))
    pages = tables.events_table(UsageFilter(Period(None, None))).rows(["timestamp"])
    first = next(pages)
    Event.objects.filter(timestamp__lte=NOON - 3 * HOUR, timestamp__gt=NOON - 6 * HOUR).delete()  # with its last one
    rest = [row for page in pages for row in page]
    assert len(first) == 4 and len(rest) == 30 - 4 - 2
