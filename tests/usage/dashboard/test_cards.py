"""The cards of the Overview: what they compare with, what they leave out, and what they show of failures alone."""

import re

import pytest

from aliases.models import ApiKey
from pricing.models import Model
from tests.usage.made import DAY, HOUR, NOON, SECOND, record, stored

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(set_clock):
    set_clock(NOON)


def shown(client, query):
    """The cards of a page by slug, and its text without markup."""
    reply = client.get(f"/?{query}")
    return {card.slug: card for card in reply.context["cards"]}, re.sub(r"<[^>]*>|\s+", " ", reply.text)


def test_what_a_change_is_compared_with_is_written_on_the_page(client, set_clock):
    stored(*(record(NOON - HOUR - n * DAY) for n in range(16)), record(NOON - 2 * HOUR - DAY))
    cards, text = shown(client, "range=today")
    assert cards["requests"].change == "−50.0%"
    assert "Changes vs 23 Nov, 00:00–12:00" in text
    assert "Changes vs 17 Nov, 00:00–12:00" in shown(client, "range=today&compare=week")[1]
    assert "Changes vs 3–9 Nov" not in shown(client, "start=2026-11-10&end=2026-11-17")[1]
    assert "Changes vs 10–16 Nov" in shown(client, "start=2026-11-17&end=2026-11-24")[1]
    set_clock(NOON + 7 * SECOND)
    assert "Changes vs 23 Nov, 00:00–12:01" in shown(client, "range=today")[1]


def test_without_records_of_the_whole_period_before_nothing_changes(client):
    stored(*(record(NOON - HOUR - n * DAY) for n in range(9)))
    cards, text = shown(client, "range=7d")
    assert {card.change for card in cards.values()} == {""}
    assert "No comparison: records begin later, or only totals of days are left." in text


@pytest.mark.parametrize(("answers", "figure"), [(999, "≈ 1.26 s"), (1000, "1.26 s")])
def test_a_median_of_few_answers_is_marked(client, answers, figure):
    stored(*(record(NOON - HOUR + n) for n in range(answers)))
    assert shown(client, "range=today")[0]["latency"].figure == figure
    assert ("≈ <data" in client.get("/analysis/?range=today").text) == (answers < 1000)


@pytest.mark.parametrize(("few", "count", "note"), [(22, 11, ""), (20, 7, "since 17 Nov, 12:00")])
def test_a_median_of_a_part_of_the_period_says_so_and_is_not_compared(client, monkeypatch, few, count, note):
    monkeypatch.setattr("usage.analytics.latency.FEW_EVENTS", few)
    stored(
        *(record(NOON - HOUR - n * DAY, api_key=key) for n in range(26) for key in ("sk-one-0000001", "sk-two-0000001"))
    )
    one = ApiKey.of("sk-one-0000001").fingerprint
    card = shown(client, f"start=2026-11-14&end=2026-11-25&api_key={one}")[0]["latency"]
    assert (card.exact, card.note, card.change) == (f"median of {count} answers", note, "" if note else "±0%")


def test_what_a_thousand_requests_cost_is_of_clients_requests(client):
    Model.objects.set_price("gpt-5", {"prompt": 10**9, "completion": 0})
    tokens = {"input": 1000, "cached": 0, "output": 0, "reasoning": 0, "total": 1000}
    failed = [record(NOON - HOUR + n, failed=True, request_id="r", tokens=dict.fromkeys(tokens, 0)) for n in range(3)]
    stored(*failed, record(NOON - HOUR + 9, request_id="r", tokens=tokens))
    assert shown(client, "range=today")[0]["cost"].detail == "$1,000.00 / 1k requests"


def test_the_busiest_quarter_is_named_as_such(client):
    stored(*(record(NOON - 10 * SECOND + n) for n in range(10)), *(record(NOON - HOUR + n) for n in range(45)))
    card = shown(client, "range=today")[0]["pace"]
    assert (card.figure, card.detail.partition(" · ")[2]) == ("10 rpm", "busiest 15 min: 3 rpm")


def test_a_sparkline_begins_with_the_first_record(client):
    stored(record(NOON - 3 * HOUR), record(NOON - 1 * HOUR))
    card = shown(client, "range=24h")[0]["requests"]
    places = [int(point.partition(",")[0]) for point in card.spark.split(" ")]
    assert (places[0], places[-1], len(places)) == (183, 200, 3)
    assert f'points="{places[0]},32 ' in client.get("/?range=24h").text


def test_failures_alone_are_counted_listed_and_drawn(client):
    failed = {"failed": True, "request_id": "x", "tokens": dict.fromkeys(("input", "output", "total", "cached"), 0)}
    stored(*(record(NOON - n * HOUR, **failed, model=f"m{n}") for n in (1, 2)), record(NOON - HOUR))
    for query in ("result=failed", "result=failed&measure=failure_rate", "status=0", "result=failed&measure=latency"):
        page = client.get(f"/?range=today&{query}").context
        assert page["cards"][0].value == 2
        assert [row.label for row in page["tops"][0][1].rows] == ["m1", "m2"]
        assert bool(page["chart"].layers) == ("latency" not in query)
    page = client.get("/?range=today&result=failed").context
    assert (page["title"], page["chart"].measure) == ("Failures over time", "requests")
    assert client.get("/api/v1/usage/timeline?range=today&result=failed").json()["measure"] == "requests"
    assert client.get("/api/v1/usage/timeline?range=today").json()["measure"] == "cost"
    assert client.get("/api/v1/usage/timeline?range=today&result=failed&measure=cost").json()["measure"] == "cost"


@pytest.mark.parametrize(("address", "field"), [("/?compare=year", "compare"), ("/?measure=speed", "measure")])
def test_what_a_chart_does_not_know_is_refused_by_name(client, address, field):
    stored(record(NOON))
    reply = client.get(address)
    assert (reply.status_code, field in reply.text) == (400, True)
    refused = client.get(f"/api/v1/usage/timeline{address[1:]}")
    assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert client.get("/api/v1/usage/comparison?compare=none").status_code == 400


@pytest.mark.parametrize("measure", ["cost", "tokens", "requests", "token_classes", "failure_rate", "latency"])
def test_every_measure_is_drawn_and_written_as_a_table(client, measure):
    stored(*(record(NOON - HOUR - n * DAY) for n in range(3)))
    reply = client.get(f"/?range=today&measure={measure}&compare=previous")
    page = reply.context
    assert page["chart_data"]["earlier"] if measure != "cost" else not page["chart"].layers
    if page["chart"].layers:
        assert re.search(r'<th scope="row">\s*<a\s+href=', reply.text)
        assert "vs 23 Nov, 00:00–12:00:" in reply.text
