"""The summary for status bars: the numbers of the breakdown, and never more than a kilobyte."""

import pytest

from tests.usage.made import NOON, record, stored

pytestmark = pytest.mark.django_db
SUMMARY = "/api/v1/usage/summary"
NAMES = ['"' * 255, "\x01" * 200, "团队" * 100, "🚀" * 200, "\\" * 255, "a" * 255, "é<&>" * 60]


@pytest.fixture
def flood(set_clock):
    """Names that take much room in JSON, and numbers of many digits."""
    set_clock(NOON)
    tokens = {"input": 4 * 10**8, "output": 4 * 10**8, "cached": 0, "total": 8 * 10**8}
    stored(
        *(
            record(
                NOON - number * 1000, model=f"{name}", source=f"{number}{name}", tokens=tokens, request_id=str(number)
            )
            for number, name in enumerate(NAMES * 3)
        )
    )


@pytest.mark.parametrize("by", ["key", "model", "account", "provider", "endpoint"])
def test_a_reply_is_smaller_than_a_kilobyte_whatever_names_there_are(client, flood, by):
    reply = client.get(SUMMARY, {"range": "today", "by": by})
    assert len(reply.content) <= 1000
    found = reply.json()
    rows = [*found["groups"], *([found["others"]] if "others" in found else [])]
    for name in ("requests", "failed", "tokens", "unpriced"):
        assert sum(row[name] for row in rows) == found[name]
    assert len(found["groups"]) == (5 if by in ("model", "account") else 1)


def test_groups_are_those_of_the_breakdown_the_dearest_first(client, set_clock):
    set_clock(NOON)
    for model, price in (("cheap", 0.1), ("dear", 90)):
        body = {"model": model, "prompt_price_per_1m": price, "completion_price_per_1m": price}
        client.put("/api/v1/pricing", body | {"cache_price_per_1m": price}, content_type="application/json")
    made = {"cheap": 3, "dear": 2, "unpriced": 1}
    stored(
        *(
            record(NOON - n, model=model, request_id=f"{model}{n}")
            for model, count in made.items()
            for n in range(count)
        )
    )
    found = client.get(SUMMARY, {"range": "today", "by": "model"}).json()
    assert [group["name"] for group in found["groups"]] == ["dear", "cheap", "unpriced"]
    assert [group["requests"] for group in found["groups"]] == [2, 3, 1]
    assert (found["by"], found["unpriced"], "others" in found) == ("model", 1, False)
    broken = client.get("/api/v1/usage/breakdown", {"range": "today", "by": "model"}).json()["rows"]
    costs = {row["label"]: row["figures"]["cost"] for row in broken}
    assert all(group["cost"] == pytest.approx(costs[group["name"]], abs=1e-4) for group in found["groups"])


def test_what_is_no_group_is_named(client):
    reply = client.get(SUMMARY, {"by": "colour"})
    assert (reply.status_code, reply.json()["field"]) == (400, "by")


def test_it_costs_few_queries(client, flood, django_assert_num_queries):
    with django_assert_num_queries(4):
        client.get(SUMMARY, {"range": "today"})


def test_without_prices_the_largest_groups_are_those_with_most_requests(client, set_clock):
    set_clock(NOON)
    stored(*(record(NOON - n, model=f"model-{n % 7}", request_id=str(n)) for n in range(27)))
    stored(*(record(NOON - n, model="z-most", request_id=f"z{n}") for n in range(9)))
    found = client.get(SUMMARY, {"range": "today", "by": "model"}).json()
    assert [(group["name"], group["requests"]) for group in found["groups"][:2]] == [("z-most", 9), ("model-0", 4)]
    assert found["others"]["requests"] == 4 + 4 + 3
