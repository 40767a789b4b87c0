"""The captured records through to exact replies: every endpoint, and every filter on every endpoint."""

import pytest

from tests.usage.api import expected
from tests.usage.api.conftest import NOW
from tests.usage.api.expected import DAY, EAST, SECOND

USAGE = "/api/v1/usage"
NOON = 1_795_492_800
TODAY = NOON - 12 * 3600
UNTIL = NOW // SECOND


def get(client, path, query=""):
    reply = client.get(f"{USAGE}/{path}?{query}")
    assert (reply.status_code, reply["Content-Type"]) == (200, "application/json")
    return reply.json()


def ask_all(client, query):
    paths = ("overview", "health", "analysis", "events", "events/filters", "credentials")
    return {path: get(client, path, query) for path in paths}


def expect_all(found, start, end, kept=None, alike=None):
    """`kept`: the attempts outside of the period too, where they count; `alike`: all that have the labels asked for."""
    kept = found if kept is None else kept
    return {
        "overview": expected.overview(found, start, end, NOW),
        "health": expected.health(kept, 2026),
        "analysis": expected.analysis(found),
        "events": expected.events(found),
        "events/filters": expected.filters(found),
        "credentials": expected.credentials(found, kept if alike is None else alike),
    }


def first_midnight(records):
    first = min(one.seconds for one in records)
    return (first + EAST) // DAY * DAY - EAST


def test_the_captures_hold_what_is_known_of_them(client, captured):
    summary = get(client, "overview")["summary"]
    told = {name: summary[name] for name in ("total", "failed", "client_requests", "client_failed")}
    assert told == {"total": 129, "failed": 51, "client_requests": 105, "client_failed": 28}
    assert summary == expected.measures(captured)
    assert summary["cost"] > 0 < summary["unpriced_tokens"]


def test_every_reply_in_whole(client, records):
    assert ask_all(client, "") == expect_all(records, first_midnight(records), UNTIL)


KEY, OPENAI, BLANK = "sk-client-团队-0003", "sk-or-mock-AAAA1111", "model=&source=%20&auth_index=&api_key=&provider="
FILTERS = {
    "model=gemini-2.5-pro": lambda a: a.item["model"] == "gemini-2.5-pro",
    "model=gemini-2.5-pro&model=grok-4.5&model=": lambda a: a.item["model"] in ("gemini-2.5-pro", "grok-4.5"),
    "source=dave@example.com": lambda a: a.item["source"] == "dave@example.com",
    f"source={OPENAI}&source=dave@example.com": lambda a: a.item["source"] in (OPENAI, "dave@example.com"),
    f"source={expected.sha256(OPENAI)}": lambda a: a.item["source"] == OPENAI,
    "auth_index=c950c3ada31d57be": lambda a: a.item["auth_index"] == "c950c3ada31d57be",
    f"api_key={KEY}": lambda a: a.item["api_key"] == KEY,
    f"api_key={expected.sha256(KEY)}": lambda a: a.item["api_key"] == KEY,
    f"api_key={KEY}&api_key=sk-client-bob-0002": lambda a: a.item["api_key"] != "sk-client-alice-0001",
    "api_key=unknown": lambda a: False,
    "result=success": lambda a: not a.failed,
    "result=failed": lambda a: a.failed,
    "provider=codex": lambda a: a.item["provider"] == "codex",
    "endpoint=POST /v1/messages": lambda a: a.item["endpoint"] == "POST /v1/messages",
    "requested_model=kimi-k2": lambda a: a.alias == "kimi-k2",
    "reasoning_effort=high": lambda a: a.item["reasoning_effort"] == "high",
    "reasoning_effort=(none)&result=failed": lambda a: a.item["reasoning_effort"] == "" and a.failed,
    "tier=priority": lambda a: a.item.get("response_service_tier") == "priority",
    "tier=(none)": lambda a: a.item.get("response_service_tier") not in ("priority", "flex"),
    "status=429": lambda a: a.status == 429,
    "status=200": lambda a: a.status == 200,
    "status=0": lambda a: False,
    "status=429&result=success": lambda a: False,
    "message=(none)": lambda a: a.failed and not a.item["fail"]["body"],
    "provider=(none)": lambda a: False,
    "source=(none)": lambda a: False,
    "request_id=a07802d8": lambda a: a.item["request_id"] == "a07802d8",
    "request_id=20261124115642-c950c3ada31d57be-a07802d8": lambda a: a.item["request_id"] == "a07802d8",
    "model=gpt-5-codex&result=failed&provider=codex": lambda a: a.item["model"] == "gpt-5-codex" and a.failed,
    f"{BLANK}&status=&message=%20&tier=&range=&start=&end=&result=%20&endpoint=&request_id=": lambda a: True,
    "utm=1&fields=none&format=xml&page=": lambda a: True,
}


@pytest.mark.parametrize("query", FILTERS)
def test_every_filter_on_every_reply(client, records, query):
    found = [one for one in records if FILTERS[query](one)]
    alike = {"message": [one for one in records if one.failed], "request_id": records}.get(query.partition("=")[0])
    assert ask_all(client, query) == expect_all(found, first_midnight(records), UNTIL, alike=alike)
    assert 0 <= len(found) <= len(records)


PERIODS = {
    "range=today": (TODAY, TODAY + DAY),
    "range=2d": (TODAY - DAY, TODAY + DAY),
    "range=7d&result=failed": (TODAY - 6 * DAY, TODAY + DAY),
    "range=30d": (TODAY - 29 * DAY, TODAY + DAY),
    "range=12d": (TODAY - 11 * DAY, TODAY + DAY),
    "range=yesterday": (TODAY - DAY, TODAY),
    "range=this_week": (TODAY - DAY, TODAY + 6 * DAY),  # today is a Tuesday
    "range=last_week": (TODAY - 8 * DAY, TODAY - DAY),
    "range=this_month": (TODAY - 23 * DAY, TODAY + 7 * DAY),
    "range=last_month": (TODAY - 54 * DAY, TODAY - 23 * DAY),
    "range=1h": (NOON - 1800, None),
    "range=24h": (NOON - DAY + 1800, None),
    "range=168h": (NOON - 7 * DAY + 1800, None),
    "start=2026-11-20&end=2026-11-23": (TODAY - 4 * DAY, TODAY - DAY),
    "range=custom&start=2026-11-24T11:50:00Z&end=2026-11-24T23:00": (NOON + 8 * 3600 - 600, NOON + 11 * 3600),
    # Edges inside a quarter of an hour are counted and priced from the events themselves.
    "start=2026-11-24T11:56:50&end=2026-11-24T11:57:10": (NOON - 190, NOON - 170),
    "start=2026-11-22T03:07:01 08:00&end=2026-11-24T11:57:03.000%2B08:00": (TODAY - 2 * DAY + 11_221, NOON - 177),
}


@pytest.mark.parametrize("query", PERIODS)
def test_every_period_on_every_reply(client, records, query):
    start, end = PERIODS[query]
    kept = [one for one in records if "failed" not in query or one.failed]
    found = [one for one in kept if start <= one.seconds and (end is None or one.seconds < end)]
    reply = ask_all(client, query)
    assert reply == expect_all(found, start, end or UNTIL, kept)


def test_half_seconds_count_too(client, captured):
    edge = sorted(captured, key=lambda one: one.at)[64].at
    query = f"start=2026-11-24&end={expected.utc_us(edge)}"
    assert get(client, "overview", query)["summary"] == expected.measures([one for one in captured if one.at < edge])


@pytest.mark.parametrize("day", ["2026-11-24", "2026-11-10", "2025-01-01"])
def test_a_day_in_five_minutes(client, records, day):
    assert get(client, "health", f"year=2026&day={day}") == expected.health(records, 2026, day)


def test_a_day_chooses_its_year_and_a_leap_year_has_366(client, captured):
    assert get(client, "health", "day=2028-02-29") == expected.health(captured, 2028, "2028-02-29")
    assert len(get(client, "health", "year=2028")["days"]) == 366


@pytest.mark.parametrize("size", [20, 50, 100])
def test_pages_are_the_list_cut(client, records, size):
    pages = [get(client, "events", f"page={page}&page_size={size}") for page in range(1, 129 // size + 3)]
    last = 129 // size + 1
    assert pages == [expected.events(records, min(page, last), size) for page in range(1, last + 2)]
    assert [len(page["items"]) for page in pages[-2:]] == [129 % size] * 2


def test_pages_below_an_event_stay_while_records_arrive(client, records):
    top = expected.events(records, 1, 20)["items"]
    reply = get(client, "events", f"before={top[-1]['event_key']}&page_size=50&page=9")
    everything = expected.events(records, 1, 1000)["items"]
    assert reply == {**expected.events(records, 1, 50), "items": everything[20:70]}


def test_one_event_in_full(client, captured):
    for one in captured:
        kept = get(client, f"events/{one.key}")
        assert kept == {
            **expected.event(one),
            "unclassified_tokens": one.tokens["unclassified"],
            "tier": kept["tier"],
            "context_over": kept["context_over"],
            "fail_body_length": len(one.item["fail"]["body"]) if one.failed else 0,
            "client_ip": one.item["client_ip"],
            "x_forwarded_for": one.item["x_forwarded_for"],
            "user_agent": one.item["user_agent"],
            "price": kept["price"],
        }
        assert sum(part["cost"] for part in kept["price"]["tokens"]) == pytest.approx(kept["cost"] or 0)
    tiers = {get(client, f"events/{one.key}")["tier"] for one in captured}
    assert tiers == {"", "flex", "priority"}


def test_models_used(client, captured):
    assert client.get("/api/v1/models/used").json() == {"items": sorted({one.item["model"] for one in captured})}
