"""Prices over HTTP: exact replies, sequences of writes, and every kind of bad input."""

from datetime import date

import pytest

from pricing.models import Model, Origin, PriceSet, RateCard, Revision

pytestmark = [
    pytest.mark.urls("pricing.api.urls"),
    pytest.mark.django_db,
    pytest.mark.usefixtures("recosted", "on_nov_24"),
]

NOW = "2026-11-23T17:00:00Z"
NOV_10, DEC_1 = "2026-11-10", "2026-12-01"


def put(client, address="/pricing", **body):
    return client.put(address, body, content_type="application/json")


def items(client):
    return client.get("/pricing").json()["items"]


def summary(client):
    """(model, prompt price, valid_from, origin) of each item."""
    return [(i["model"], i["prompt_price_per_1m"], i["valid_from"], i["origin"]) for i in items(client)]


def test_nothing_priced_is_an_empty_list(client):
    Model.objects.create(name="gpt-5")
    assert client.get("/pricing").json() == {"items": [], "scoped": []}


def test_a_price_comes_back_as_it_was_put(client):
    reply = put(
        client,
        model=" gpt-5 ",
        prompt_price_per_1m=1.25,
        completion_price_per_1m=10,
        cache_price_per_1m=0.125,
        cache_write_price_per_1m=1.5625,
    )
    assert (reply.status_code, reply.json()) == (200, {"ok": True})
    rates = {
        "prompt_price_per_1m": 1.25,
        "completion_price_per_1m": 10.0,
        "cache_price_per_1m": 0.125,
        "cache_write_price_per_1m": 1.5625,
        "cache_write_1h_price_per_1m": None,
        "reasoning_price_per_1m": None,
        "request_price": None,
    }
    all_day = {"hours_from": None, "hours_to": None}
    assert items(client) == [
        {
            "model": "gpt-5",
            **rates,
            "updated_at": NOW,
            "valid_from": None,
            "origin": "manual",
            "sets": [
                {
                    "valid_from": None,
                    "origin": "manual",
                    "in_force": True,
                    "overridden": False,
                    "matched": "",
                    "note": "",
                    "updated_at": NOW,
                    "cards": [{"tier": "", "context_over": 0, **all_day, **rates}],
                    "scope": "",
                    "scope_value": "",
                }
            ],
        }
    ]


def test_absent_numbers_are_free_and_absent_cache_writes_cost_what_the_prompt_does(client):
    put(client, model="gpt-5", prompt_price_per_1m=3)
    card = RateCard.objects.get()
    assert (card.prompt, card.completion, card.cache_read, card.cache_write) == (3_000_000, 0, 0, None)
    assert card.rates == (3_000_000, 0, 0, 3_000_000, 3_000_000, 0, 0)


def test_a_put_replaces_every_number(client):
    put(client, model="gpt-5", prompt_price_per_1m=3, completion_price_per_1m=4, cache_write_price_per_1m=5)
    put(client, model="gpt-5", completion_price_per_1m=1, cache_write_price_per_1m=None)
    card = RateCard.objects.get()
    assert (card.prompt, card.completion, card.cache_read, card.cache_write) == (0, 1_000_000, 0, None)


@pytest.mark.parametrize(
    "name", ["gpt-5", "org/model", "a b", "模型", "x" * 255, "models/gemini-2.5-pro:free", "a%2Fb"]
)
def test_a_model_is_named_in_the_path(client, name):
    address = "/pricing/" + name.replace("%", "%25")
    assert put(client, address, prompt_price_per_1m=2).status_code == 200
    assert summary(client) == [(name, 2.0, None, "manual")]
    assert client.delete(address).json() == {"ok": True}
    assert items(client) == []


def test_the_path_wins_over_the_body(client):
    put(client, "/pricing/gpt-5", model="other", prompt_price_per_1m=2)
    assert summary(client) == [("gpt-5", 2.0, None, "manual")]


def test_models_are_sorted_by_name(client):
    for name in ("b", "a", "c"):
        put(client, model=name)
    assert [item["model"] for item in items(client)] == ["a", "b", "c"]


def test_a_sequence_of_prices(client):
    put(client, model="m", prompt_price_per_1m=1)
    put(client, model="m", prompt_price_per_1m=2, valid_from=NOV_10)
    put(client, model="m", prompt_price_per_1m=3, valid_from=DEC_1)
    assert summary(client) == [("m", 2.0, NOV_10, "manual")]
    put(client, model="m", prompt_price_per_1m=4)
    (item,) = items(client)
    assert [(s["valid_from"], s["in_force"], s["cards"][0]["prompt_price_per_1m"]) for s in item["sets"]] == [
        (None, False, 1.0),
        (NOV_10, True, 4.0),
        (DEC_1, False, 3.0),
    ]


def test_a_price_of_tomorrow_is_not_listed_yet(client):
    put(client, model="m", prompt_price_per_1m=1, valid_from="2026-11-25")
    assert items(client) == []
    put(client, model="m", prompt_price_per_1m=2, valid_from="2026-11-24")
    assert summary(client) == [("m", 2.0, "2026-11-24", "manual")]


def catalogue(name, prompt=7_000_000, valid_from=None):
    model, _ = Model.objects.get_or_create(name=name)
    price_set = PriceSet.objects.create(
        model=model, origin=Origin.CATALOGUE, valid_from=valid_from, matched="openai:gpt-5"
    )
    RateCard.objects.create(price_set=price_set, prompt=prompt, completion=0, cache_write=1)
    RateCard.objects.create(price_set=price_set, tier="flex", context_over=200_000, prompt=1, completion=0)


def sets(client):
    return [(s["origin"], s["valid_from"], s["in_force"], s["overridden"]) for s in items(client)[0]["sets"]]


def test_a_manual_price_overrides_the_catalogue_and_keeps_it(client):
    catalogue("m")
    catalogue("m", 8_000_000, date(2026, 11, 1))
    assert summary(client) == [("m", 8.0, "2026-11-01", "catalogue")]
    assert sets(client) == [("catalogue", None, False, False), ("catalogue", "2026-11-01", True, False)]
    put(client, model="m", prompt_price_per_1m=1, valid_from=NOV_10)
    assert summary(client) == [("m", 1.0, NOV_10, "manual")]
    assert sets(client) == [
        ("catalogue", None, False, False),
        ("catalogue", "2026-11-01", False, True),
        ("manual", NOV_10, True, False),
    ]


def test_derived_cache_reads_cost_what_the_prompt_does(client):
    catalogue("m")
    (item,) = items(client)
    assert (item["cache_price_per_1m"], item["sets"][0]["cards"][0]["cache_price_per_1m"]) == (7.0, None)
    assert item["cache_write_price_per_1m"] == 0.000001


def test_a_deleted_price_stays_away_until_it_is_set_or_taken_again(client):
    catalogue("m")
    put(client, model="m", prompt_price_per_1m=1)
    assert client.delete("/pricing?model=m").json() == {"ok": True}
    assert items(client) == []
    put(client, model="m", prompt_price_per_1m=2, valid_from="2026-11-20")
    assert sets(client) == [("catalogue", None, False, True), ("manual", "2026-11-20", True, False)]
    client.delete("/pricing?model=m")
    Model.objects.get().take_catalogue()
    assert summary(client) == [("m", 7.0, None, "catalogue")]


def test_deleting_twice_and_deleting_nothing_is_done(client):
    put(client, model="m")
    for address in ("/pricing?model=m", "/pricing?model=m", "/pricing?model=nobody", "/pricing/nobody"):
        reply = client.delete(address)
        assert (reply.status_code, reply.json()) == (200, {"ok": True})
    assert list(Model.objects.values_list("name", flat=True)) == ["m"]


# --- Bad input ----------------------------------------------------------------------------------------------------

RATES = ["prompt_price_per_1m", "completion_price_per_1m", "cache_price_per_1m", "cache_write_price_per_1m"]


@pytest.mark.parametrize("field", [*RATES, "reasoning_price_per_1m"])
@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("-1", "A rate is never negative."),
        ("-1e-9", "A rate is never negative."),
        ("10000.000001", "A rate is at most 10,000 USD per million tokens."),
        ("1e300", "A rate is at most 10,000 USD per million tokens."),
        ('"1"', "A number is needed."),
        ("true", "A number is needed."),
        ("[1]", "A number is needed."),
        ("{}", "A number is needed."),
    ],
)
def test_it_rejects_an_impossible_rate_by_name(client, field, bad, sentence):
    reply = client.put("/pricing", f'{{"model": "m", "{field}": {bad}}}', content_type="application/json")
    assert (reply.status_code, reply.json()) == (400, {"error": sentence, "field": field})
    assert (Model.objects.count(), Revision.current()) == (0, 0)


@pytest.mark.parametrize("field", RATES[:3])
def test_it_rejects_null_where_a_rate_derives_from_nothing(client, field):
    reply = put(client, model="m", **{field: None})
    assert (reply.status_code, reply.json()) == (400, {"error": "This field may not be null.", "field": field})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 5000])
def test_it_rejects_numbers_that_json_does_not_have(client, number):
    body = f'{{"model": "m", "prompt_price_per_1m": {number}}}'
    assert client.put("/pricing", body, content_type="application/json").status_code == 400
    assert Model.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "model"),
        ({"model": ""}, "model"),
        ({"model": "  "}, "model"),
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"model": True}, "model"),
        ({"model": ["m"]}, "model"),
        ({"model": "x" * 256}, "model"),
        ({"model": "a\0b"}, "model"),
        ({"model": "m", "valid_from": "yesterday"}, "valid_from"),
        ({"model": "m", "valid_from": "2026-02-30"}, "valid_from"),
        ({"model": "m", "valid_from": "2026-11-10T00:00:00Z"}, "valid_from"),
        ({"model": "m", "valid_from": 20261110}, "valid_from"),
        ({"model": "m", "valid_from": "0001-01-01"}, "valid_from"),
        ({"model": "m", "valid_from": "9999-12-31"}, "valid_from"),
    ],
)
def test_it_rejects_a_bad_body_by_field(client, body, field):
    reply = put(client, **body)
    assert (reply.status_code, reply.json()["field"]) == (400, field)
    assert Model.objects.count() == 0


@pytest.mark.parametrize("body", ["", "[]", '"x"', "null", "{", '{"model": "\\ud800"}'])
def test_it_rejects_what_is_no_object(client, body):
    assert client.put("/pricing", body, content_type="application/json").status_code == 400
    assert client.put("/pricing/m", body, content_type="application/json").status_code == 400
    assert Model.objects.count() == 0


@pytest.mark.parametrize("address", ["/pricing", "/pricing?model=", "/pricing?model=%20", "/pricing?model=a%00b"])
def test_it_rejects_a_delete_that_names_no_model(client, address):
    reply = client.delete(address)
    assert (reply.status_code, reply.json()["field"]) == (400, "model")


@pytest.mark.parametrize("address", ["/pricing/a%00b", "/pricing/" + "x" * 256])
def test_it_rejects_a_path_that_is_no_name(client, address):
    for reply in (put(client, address), client.delete(address)):
        assert (reply.status_code, reply.json()["field"]) == (400, "model")


def test_other_methods_are_refused(client):
    reply = client.post("/pricing", {}, content_type="application/json")
    assert (reply.status_code, set(reply["Allow"].split(", "))) == (405, {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
    assert client.get("/pricing/m").status_code == 405


# --- Reading ------------------------------------------------------------------------------------------------------


def test_reading_takes_the_same_queries_for_one_model_and_for_many(client, django_assert_num_queries):
    catalogue("first")
    with django_assert_num_queries(4):
        client.get("/pricing")
    for i in range(20):
        catalogue(f"m{i}")
        put(client, model=f"m{i}", valid_from=NOV_10)
    with django_assert_num_queries(4):
        assert len(items(client)) == 21
    with django_assert_num_queries(1):
        assert len(items(client)) == 21


def test_an_unchanged_answer_is_not_sent_again(client):
    put(client, model="m")
    tag = client.get("/pricing")["ETag"]
    assert client.get("/pricing", headers={"If-None-Match": tag}).status_code == 304
    put(client, model="m", prompt_price_per_1m=1)
    assert client.get("/pricing", headers={"If-None-Match": tag}).status_code == 200


def test_a_model_with_prices_of_sellers_alone_is_priced_today_by_the_first_of_them(client, gpt):
    for seller, prompt in (("zai", 2_000_000), ("openrouter", 3_000_000)):
        price_set = gpt.price_sets.create(origin="catalogue", scope="seller", scope_value=seller)
        price_set.write_cards([RateCard(prompt=prompt, completion=0)])
    Revision.bump()
    (item,) = client.get("/pricing").json()["items"]
    assert (item["model"], item["prompt_price_per_1m"], len(item["sets"])) == ("gpt-5", 3.0, 2)
