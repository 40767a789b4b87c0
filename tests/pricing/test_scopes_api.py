"""Prices, factors and fees of providers, accounts and client keys over HTTP, hours, and what is refused."""

import json

import pytest

from cpa_usage.keys import fingerprint
from pricing.models import Adjustment, Model, PriceSet, RateCard, Revision

pytestmark = [
    pytest.mark.urls("pricing.api.urls"),
    pytest.mark.django_db,
    pytest.mark.usefixtures("recosted", "on_nov_24"),
]

NOW = "2026-11-23T17:00:00Z"
BOB = "sk-client-bob-0002"
KEY = {"scope": "api_key", "scope_value": BOB}
DONE = {"ok": True}


def put(client, address="/pricing", **body):
    return client.put(address, body, content_type="application/json")


def adjustments(client):
    return client.get("/pricing/adjustments").json()["items"]


# --- Prices -------------------------------------------------------------------------------------------------------


def test_a_price_of_a_client_key_is_listed_apart_and_never_shows_the_key(client):
    put(client, model="m", prompt_price_per_1m=3)
    assert put(client, model="m", prompt_price_per_1m=1, request_price=0.02, **KEY).json() == DONE
    assert put(client, "/pricing/only", prompt_price_per_1m=2, scope="provider", scope_value=" acme ").json() == DONE
    reply = client.get("/pricing")
    assert BOB not in reply.text
    (item,) = reply.json()["items"]
    assert (item["model"], item["prompt_price_per_1m"], len(item["sets"])) == ("m", 3.0, 1)
    rates = dict.fromkeys(("cache_write_price_per_1m", "cache_write_1h_price_per_1m"))
    rates |= {"prompt_price_per_1m": 1.0, "completion_price_per_1m": 0.0, "cache_price_per_1m": 0.0}
    rates |= {"reasoning_price_per_1m": None, "request_price": 0.02}
    card = {"tier": "", "context_over": 0, "hours_from": None, "hours_to": None, **rates}
    dated = {"valid_from": None, "origin": "manual", "in_force": True, "overridden": False, "matched": "", "note": ""}
    dated |= {"updated_at": NOW, "cards": [card], "scope": "api_key", "scope_value": fingerprint(BOB)}
    scoped = reply.json()["scoped"]
    assert scoped[0] == {"model": "m", "scope": "api_key", "scope_value": fingerprint(BOB), "sets": [dated]}
    assert [(each["model"], each["scope_value"]) for each in scoped[1:]] == [("only", "acme")]


def test_a_price_of_a_scope_is_cleared_alone(client):
    put(client, model="m", prompt_price_per_1m=3)
    put(client, model="m", **KEY)
    put(client, model="m", scope="account", scope_value="ann@example.com")
    assert client.delete(f"/pricing?model=m&scope=api_key&scope_value={fingerprint(BOB)}").json() == DONE
    assert client.delete("/pricing/m?scope=account&scope_value=ann@example.com").json() == DONE
    assert [each.scope for each in PriceSet.objects.all()] == [""]
    assert not Model.objects.get().catalogue_blocked


def test_cards_are_for_tiers_sizes_and_hours(client):
    night = {"hours_from": "16:30", "hours_to": "00:30", "prompt_price_per_1m": 0.5}
    cards = [{"prompt_price_per_1m": 1, "cache_write_1h_price_per_1m": 2}, night, {"tier": "flex"}]
    assert put(client, model="m", cards=cards).json() == DONE
    found = RateCard.objects.values_list("tier", "hours_from", "hours_to", "prompt", "cache_read", "cache_write_1h")
    assert set(found) == {
        ("", None, None, 1_000_000, 0, 2_000_000),
        ("", 990, 30, 500_000, 0, None),
        ("flex", None, None, 0, 0, None),
    }
    (item,) = client.get("/pricing").json()["items"]
    assert item["prompt_price_per_1m"] == 1.0  # of all hours, although the other holds at midnight
    shown = item["sets"][0]["cards"]
    assert [(card["hours_from"], card["hours_to"]) for card in shown] == [
        (None, None) if card["hours_from"] is None else ("16:30", "00:30") for card in shown
    ]


BASE = {"prompt_price_per_1m": 1}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "provider"}, "scope_value"),
        ({"scope_value": "acme"}, "scope_value"),
        ({"scope": "seller", "scope_value": "acme"}, "scope"),
        ({"scope": "api_key", "scope_value": "sk-c****0002"}, "scope_value"),
        ({"scope": "provider", "scope_value": 5}, "scope_value"),
        ({"scope": "provider", "scope_value": "x" * 256}, "scope_value"),
        ({"request_price": -1}, "request_price"),
        ({"request_price": 100.01}, "request_price"),
        ({"cache_write_1h_price_per_1m": "1"}, "cache_write_1h_price_per_1m"),
        ({"cards": []}, "cards.context_over"),
        ({"cards": {}}, "cards"),
        ({"cards": [BASE, None]}, "cards.1"),
        ({"cards": [BASE, 5]}, "cards.1"),
        ({"cards": [BASE] * 201}, "cards"),
        ({"cards": [BASE], "prompt_price_per_1m": 1}, "cards"),
        ({"cards": [BASE, BASE]}, "cards.context_over"),
        ({"cards": [BASE, {"hours_from": "16:30"}]}, "cards.hours_to"),
        ({"cards": [BASE, {"hours_from": "16:31", "hours_to": "18:00"}]}, "cards.1.hours_from"),
        ({"cards": [BASE, {"hours_from": "16:30", "hours_to": "24:15"}]}, "cards.1.hours_to"),
        ({"cards": [BASE, {"hours_from": 990, "hours_to": "24:00"}]}, "cards.1.hours_from"),
        ({"cards": [BASE, {"tier": "turbo"}]}, "cards.1.tier"),
        ({"cards": [{"prompt_price_per_1m": -1}]}, "cards.0.prompt_price_per_1m"),
    ],
)
def test_it_rejects_a_bad_body_by_field(client, body, field):
    reply = put(client, model="m", **body)
    assert (reply.status_code, reply.json()["field"]) == (400, field)
    assert (Model.objects.count(), Revision.current()) == (0, 0)


@pytest.mark.parametrize(
    ("query", "field"), [("scope=provider", "scope_value"), ("scope_value=x", "scope_value"), ("scope=x", "scope")]
)
@pytest.mark.parametrize("address", ["/pricing?model=m&", "/pricing/m?"])
def test_it_rejects_a_delete_of_half_a_scope(client, address, query, field):
    put(client, model="m")
    reply = client.delete(address + query)
    assert (reply.status_code, reply.json()["field"]) == (400, field)
    assert PriceSet.objects.count() == 1


# --- Factors and fees ---------------------------------------------------------------------------------------------


def test_a_factor_comes_back_as_it_was_put(client):
    assert (
        put(client, "/pricing/adjustments", scope="provider", value="acme", factor=0.3, note="Reseller").json() == DONE
    )
    put(client, "/pricing/adjustments", scope="provider", value="acme", request_price=0.04, valid_from="2026-12-01")
    first = {"scope": "provider", "value": "acme", "valid_from": None, "factor": 0.3, "request_price": 0.0}
    first |= {"note": "Reseller", "in_force": True, "updated_at": NOW}
    later = {"valid_from": "2026-12-01", "factor": 1.0, "request_price": 0.04, "note": "", "in_force": False}
    assert adjustments(client) == [first, first | later]


def test_a_factor_too_small_to_keep_is_refused(client):
    body = {"scope": "provider", "value": "acme", "factor": 1e-7}
    refusal = client.put("/pricing/adjustments", json.dumps(body), content_type="application/json")
    assert (refusal.status_code, refusal.json()["field"]) == (400, "factor")


def test_a_factor_of_a_key_never_shows_the_key(client):
    put(client, "/pricing/adjustments", scope="api_key", value=BOB, factor=1.2)
    reply = client.get("/pricing/adjustments")
    assert BOB not in reply.text and reply.json()["items"][0]["value"] == fingerprint(BOB)
    assert client.delete(f"/pricing/adjustments?scope=api_key&value={fingerprint(BOB)}").json() == DONE
    assert adjustments(client) == []


def test_the_one_in_force_changes_without_a_date_and_one_of_a_day_is_taken_away(client):
    for body in ({"factor": 0.5}, {"factor": 0.4, "valid_from": "2026-11-20"}, {"factor": 0.3}):
        put(client, "/pricing/adjustments", scope="account", value="ann@example.com", **body)
    assert [(each["valid_from"], each["factor"]) for each in adjustments(client)] == [(None, 0.5), ("2026-11-20", 0.3)]
    address = "/pricing/adjustments?scope=account&value=ann@example.com"
    assert client.delete(f"{address}&valid_from=2026-11-20").json() == DONE
    assert [each["factor"] for each in adjustments(client)] == [0.5]
    for _ in range(2):
        assert client.delete(address).json() == DONE
    assert Adjustment.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "model"}, "scope"),
        ({"scope": None}, "scope"),
        ({"value": ""}, "value"),
        ({"value": "sk-c****0002", "scope": "api_key"}, "value"),
        ({"factor": -0.1}, "factor"),
        ({"factor": 1000.1}, "factor"),
        ({"factor": "0.3"}, "factor"),
        ({"factor": True}, "factor"),
        ({"factor": None}, "factor"),
        ({"request_price": 101}, "request_price"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"note": "x" * 256}, "note"),
    ],
)
def test_it_rejects_a_bad_factor_by_field(client, body, field):
    reply = put(client, "/pricing/adjustments", **{"scope": "provider", "value": "acme"} | body)
    assert (reply.status_code, reply.json()["field"]) == (400, field)
    assert (Adjustment.objects.count(), Revision.current()) == (0, 0)


@pytest.mark.parametrize("number", ["NaN", "1e999", "1" * 5000])
def test_it_rejects_numbers_that_json_does_not_have(client, number):
    body = json.dumps({"scope": "provider", "value": "acme"})[:-1] + f', "factor": {number}}}'
    assert client.put("/pricing/adjustments", body, content_type="application/json").status_code == 400


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "scope"), ("?scope=provider", "value"), ("?scope=provider&value=a&valid_from=x", "valid_from")],
)
def test_it_rejects_a_delete_that_names_nothing(client, query, field):
    reply = client.delete(f"/pricing/adjustments{query}")
    assert (reply.status_code, reply.json()["field"]) == (400, field)


def test_an_unchanged_list_is_not_sent_again(client):
    put(client, "/pricing/adjustments", scope="provider", value="acme", factor=0.3)
    tag = client.get("/pricing/adjustments")["ETag"]
    assert client.get("/pricing/adjustments", headers={"If-None-Match": tag}).status_code == 304
    put(client, "/pricing/adjustments", scope="provider", value="acme", factor=0.4)
    assert client.get("/pricing/adjustments", headers={"If-None-Match": tag}).status_code == 200
