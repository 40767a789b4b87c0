"""How often each read asks the database: as often for a year as for a day, for many labels as for one."""

import pytest

from pricing.book import PriceBook
from tests.usage.api.conftest import CAPTURED, spread, store

FRESHNESS = 1
QUERIES = {
    "overview": FRESHNESS + 6,
    "health": FRESHNESS + 2,
    "health?day=2026-11-24": FRESHNESS + 3,
    "analysis": FRESHNESS + 3,
    "events?page_size=20": FRESHNESS + 5,
    "events/filters": FRESHNESS + 6,
    "events/filters?result=success": FRESHNESS + 6,
    "credentials": FRESHNESS + 10,
}


@pytest.mark.parametrize("path", QUERIES)
def test_a_read_takes_so_many_queries_however_much_there_is(client, priced, path, django_assert_num_queries):
    few, many = CAPTURED[:2], [*CAPTURED, *spread()]
    PriceBook.current()  # which stays in memory
    for raws in (few, many):
        store(raws)
        with django_assert_num_queries(QUERIES[path]):
            assert client.get(f"/api/v1/usage/{path}").status_code == 200


def test_one_event_status_and_names(client, captured, django_assert_num_queries):
    PriceBook.current()
    for path, queries in ((f"usage/events/{captured[0].key}", 3), ("status", 9), ("notices", 5), ("models/used", 2)):
        with django_assert_num_queries(queries):
            assert client.get(f"/api/v1/{path}").status_code == 200
