"""Events by cost, tokens and latency: as sorting all of them would have it, and the neighbours of one in any order."""

import random
import re

import pytest
from django.core.exceptions import ValidationError

from pricing.models import Model
from tests.usage.made import DAY, NOON, SECOND, record, stored
from usage.analytics.events import ordering
from usage.analytics.events.paging import event_page, neighbours
from usage.query.forms import ORDERS, UsageFilterForm

pytestmark = pytest.mark.django_db
VALUES = {"-cost": "cost", "-tokens": "total_tokens", "-latency": "latency_ms"}


def asked(**parameters):
    form = UsageFilterForm(parameters)
    assert form.is_valid(), form.errors
    return form.usage_filter()


@pytest.fixture(autouse=True)
def traffic():
    """Models of three prices and none, one of them dearer from a day on and with a fee; equal ones, and failures."""
    for name, rate in (("cheap", 1), ("dear", 40), ("grows", 2)):
        Model.objects.set_price(name, {"prompt": rate * 10**6, "completion": 5 * rate * 10**6, "request": rate * 10**9})
    chance, records = random.Random(7), []
    for nth in range(240):
        out = chance.choice((0, 10, 500, 3000))
        tokens = {"input": 50 * chance.randrange(9), "output": out, "reasoning": 0, "cached": 0}
        tokens["total"] = tokens["input"] + out
        model, more = chance.choice(("cheap", "dear", "grows", "free")), {"latency_ms": chance.choice((0, 5, 900, 70))}
        at = NOON - chance.randrange(3) * DAY - nth // 3 * SECOND  # three at one instant
        records.append(record(at, model=model, alias=model, tokens=tokens, failed=not nth % 10, **more))
    stored(*records)


def every(filters, order=""):
    """All rows, page by page."""
    pages = event_page(filters, 1, 100, order=order).total_pages
    return [row for page in range(1, pages + 1) for row in event_page(filters, page, 100, order=order).items]


@pytest.mark.parametrize("filtered", [{}, {"model": ["dear", "grows"]}, {"start": "2026-11-23", "end": "2026-11-24"}])
@pytest.mark.parametrize("order", VALUES)
def test_an_order_is_that_of_all_events(order, filtered):
    by_time = every(asked(**filtered))
    expected = sorted(by_time, key=lambda row: -(getattr(row, VALUES[order]) or 0))  # equal ones: the newest first
    assert [row.event_key for row in every(asked(**filtered), order)] == [row.event_key for row in expected]


def test_few_are_priced_and_only_what_is_sure_is_listed(monkeypatch):
    everything = every(asked(), "-cost")
    monkeypatch.setattr(ordering, "PRICED", 60)
    for groups, sure in ((50, 20), (1, 5), (0, 0)):  # the fewer are told apart, the fewer are sure
        monkeypatch.setattr(ordering, "GROUPS", groups)
        found = [row.event_key for row in event_page(asked(), 1, 100, order="-cost").items]
        assert found == [row.event_key for row in everything[: len(found)]]
        assert len(found) >= sure


def test_the_beginning_of_an_order_has_pages_and_the_total_is_of_all(monkeypatch):
    monkeypatch.setattr("usage.analytics.events.paging.LISTED", 50)
    page = event_page(asked(), 3, 20, order="-latency")
    assert (page.total, page.total_pages, len(page.items)) == (240, 3, 20)


def test_too_many_to_sort_is_said(monkeypatch, client):
    assert client.get("/api/v1/usage/events?order=-cost").status_code == 200  # so the API's docs have read the limit
    monkeypatch.setattr(ordering, "SEARCHED", 239)
    with pytest.raises(ValidationError, match="at most 239 attempts, and the range has 240"):
        event_page(asked(), 1, 20, order="-cost")
    reply = client.get("/api/v1/usage/events?order=-cost&model=cheap")
    assert (reply.status_code, reply.json()["field"]) == (400, "order")
    text = client.get("/requests/?range=all&order=-cost").text
    assert "choose a shorter one" in text and not re.search(r"requests/[-0-9a-f]+/\?range=all&amp;order", text)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("filtered", [{}, {"model": ["dear"], "result": "success"}])
def test_each_event_is_beside_its_neighbours(order, filtered):
    filters = asked(**filtered)
    keys = [row.event_key for row in every(filters, order)]
    places = [0, 1, 2, 3, len(keys) // 2, len(keys) - 2, len(keys) - 1]
    padded = ["", *keys, ""]
    assert [neighbours(filters, keys[n], order) for n in places] == [(padded[n], padded[n + 2]) for n in places]


def test_an_event_outside_the_range_has_no_neighbours():
    key = every(asked())[-1].event_key
    assert neighbours(asked(start="2026-11-24", end="2026-11-25"), key) == ("", "")
    assert neighbours(asked(start="2020-11-24", end="2020-11-25"), key, "-cost") == ("", "")


def test_the_api_takes_an_order_and_refuses_others(client):
    items = client.get("/api/v1/usage/events?order=-tokens&page_size=20").json()["items"]
    assert [item["total_tokens"] for item in items] == sorted((item["total_tokens"] for item in items), reverse=True)
    wrong = client.get("/api/v1/usage/events?order=cost")
    assert (wrong.status_code, wrong.json()["field"]) == (400, "order")
    below = client.get(f"/api/v1/usage/events?order=-cost&before={items[0]['event_key']}")
    assert (below.status_code, below.json()["field"]) == (400, "before")
