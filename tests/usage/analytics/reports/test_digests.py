"""A week's digest: only weeks recorded whole are compared, and only what came later than the first record is new."""

from datetime import date

import pytest

from tests.usage.made import DAY, HOUR, NOON, record, stored
from usage.analytics.reports.digests import digest
from usage.query.filters import UsageFilter
from usage.time.periods import Period

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 16)  # NOON is Tuesday 24 November
WEEK = 7 * DAY
ALL = UsageFilter(Period(None, None))


def used(days_ago, **fields):
    return record(NOON - days_ago * DAY, request_id=f"{days_ago}{fields}", **fields)


def test_a_week_is_compared_with_one_that_was_recorded_whole(client, set_clock):
    set_clock(NOON)
    stored(used(7), used(7, failed=True, fail={"status_code": 429, "body": "slow down"}), used(6, model="gpt-6"))
    found = digest(ALL, MONDAY, NOON)
    assert (found.figures.total, found.before, found.new) == (3, None, {})
    assert [figures.total for _, figures in found.days] == [0, 2, 1, 0, 0, 0, 0]
    assert (found.busiest, found.reasons[0].message) == (("2026-11-17T04:00:00Z", 2), "slow down")

    stored(used(15), used(14))  # in the week before: it has no whole week before the first record
    assert digest(ALL, MONDAY, NOON).before is None
    stored(used(16))  # on the Sunday before that week
    found = digest(ALL, MONDAY, NOON)
    assert (found.before.total, found.new) == (2, {"model": ["gpt-6"], "api_key": []})
    assert digest(ALL, date(2026, 11, 23), NOON).before is None  # this week is not over


def test_the_dearest_are_named_with_what_the_others_cost(client, set_clock):
    set_clock(NOON)
    for number in range(7):
        body = {"model": f"m{number}", "prompt_price_per_1m": number, "completion_price_per_1m": 0}
        client.put("/api/v1/pricing", body | {"cache_price_per_1m": 0}, content_type="application/json")
    tokens = {"input": 10**6, "output": 0, "reasoning": 0, "cached": 250_000, "total": 10**6}
    stored(*(used(7, model=f"m{number}", tokens=tokens) for number in range(7)))
    found = digest(ALL, MONDAY, NOON)
    models = found.tops[0]
    assert {row.key for row in models.rows} == {f"m{number}" for number in range(2, 7)}
    assert (models.left_out, models.others.cost) == (2, pytest.approx(0.75))
    assert found.cache_saved == pytest.approx(21 / 4)


def test_it_costs_few_queries_however_many_rows(client, set_clock, django_assert_max_num_queries):
    set_clock(NOON)
    stored(used(20), *(used(7, model=f"m{number}", api_key=f"key-{number}") for number in range(60)))
    stored(record(NOON - WEEK + HOUR, failed=True, fail={"status_code": 500, "body": "x"}))
    client.get("/digest/")  # prices are read once
    with django_assert_max_num_queries(30):
        digest(ALL, MONDAY, NOON)
