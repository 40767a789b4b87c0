"""Aliases over HTTP: exact replies, import files, bad input, and no raw key in any reply."""

import json

import pytest

from aliases.models import ApiKey, Revision
from cpa_usage.keys import fingerprint

pytestmark = [pytest.mark.urls("aliases.urls"), pytest.mark.django_db, pytest.mark.usefixtures("on_nov_24")]

ANN, BOB = "sk-ann-0123456789", "sk-bob-0123456789"
A, B = map(fingerprint, (ANN, BOB))
MASK_A, MASK_B = "sk-a****6789", "sk-b****6789"
NOON = "2026-11-24T12:00:00Z"
NOT_SAID = {"owner": "", "note": ""}


def put(client, **body):
    return client.put("/aliases", body, content_type="application/json")


def post(client, **body):
    return client.post("/aliases/import", body, content_type="application/json")


def names():
    return dict(ApiKey.objects.named().values_list("fingerprint", "alias"))


def test_no_keys_are_an_empty_list(client):
    assert client.get("/aliases").json() == {"items": []}
    assert client.get("/aliases/export").json() == {"version": 1, "exported_at": NOON, "items": []}


def test_keys_observed_and_named_are_listed_by_mask(client, count):
    count(ApiKey.objects.create(fingerprint=B, mask=MASK_B), 7)
    assert put(client, api_key=f" {ANN} ", alias=" Ann ").json() == {"ok": True}
    assert client.get("/aliases").json() == {
        "items": [
            {"api_key": MASK_B, "key_id": B, "alias": "", **NOT_SAID, "event_count": 7, "alias_updated_at": None},
            {"api_key": MASK_A, "key_id": A, "alias": "Ann", **NOT_SAID, "event_count": 0, "alias_updated_at": NOON},
        ]
    }


def test_a_key_is_named_and_forgotten_raw_or_by_its_id(client):
    for name, forget in ((ANN, A), (A, ANN)):
        put(client, api_key=name, alias="Ann")
        assert names() == {A: "Ann"}
        assert client.delete(f"/aliases?api_key={forget}").json() == {"ok": True}
        assert names() == {}


def test_a_blank_alias_clears_the_name(client):
    put(client, api_key=ANN, alias="Ann")
    assert put(client, api_key=ANN, alias="  ").json() == {"ok": True}
    assert names() == {}


def test_an_owner_and_a_note_are_said_alone_and_found(client):
    put(client, api_key=ANN, alias="Ann")
    assert put(client, api_key=A, owner=" Ops ", note="laptop").json() == {"ok": True}
    client.delete(f"/aliases?api_key={A}")
    for text in ("op", "lap", A[:8]):
        (found,) = client.get("/aliases", {"q": text}).json()["items"]
        assert (found["alias"], found["owner"], found["note"]) == ("", "Ops", "laptop")
    put(client, api_key=A, owner="", note="")
    assert client.get("/aliases").json() == {"items": []}


def test_deleting_what_has_no_name_is_done(client):
    assert client.delete(f"/aliases?api_key={ANN}").json() == {"ok": True}
    assert ApiKey.objects.count() == 0


def test_an_export_goes_into_an_empty_installation_and_comes_out_the_same(client):
    put(client, api_key=BOB, owner="Team B")
    put(client, api_key=ANN, alias="Ann", owner="Ops", note="laptop")
    exported = client.get("/aliases/export").json()
    assert exported == {
        "version": 1,
        "exported_at": NOON,
        "items": [
            {"key_id": A, "api_key": MASK_A, "alias": "Ann", "owner": "Ops", "note": "laptop", "updated_at": NOON},
            {"key_id": B, "api_key": MASK_B, "alias": "", "owner": "Team B", "note": "", "updated_at": None},
        ],
    }
    ApiKey.objects.all().delete()
    assert post(client, mode="replace", **exported).json() == {"imported": 2, "skipped": 0, "removed": 0}
    assert client.get("/aliases/export").json() == exported


def test_the_originals_export_is_taken(client):
    items = [
        {"api_key": ANN, "alias": "Ann", "updated_at": "2026-01-02T03:04:05.678901234Z"},
        {"api_key": "", "alias": "nobody", "updated_at": "0001-01-01T00:00:00Z"},
    ]
    reply = post(client, version=1, exported_at="2026-11-12T00:00:00Z", items=items)
    assert reply.json() == {"imported": 1, "skipped": 1, "removed": 0}
    assert names() == {A: "Ann"}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ({}, {A: "Ann", B: "Bob"}),
        ({"mode": None}, {A: "Ann", B: "Bob"}),
        ({"mode": ""}, {A: "Ann", B: "Bob"}),
        ({"mode": " MERGE "}, {A: "Ann", B: "Bob"}),
        ({"mode": "Replace"}, {B: "Bob"}),
    ],
)
def test_modes_are_read_in_any_letter_case(client, mode, expected):
    put(client, api_key=ANN, alias="Ann")
    assert post(client, **mode, items=[{"api_key": BOB, "alias": "Bob"}]).status_code == 200
    assert names() == expected


# --- Bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"alias": "Ann"}, "api_key"),
        ({"api_key": "", "alias": "Ann"}, "api_key"),
        ({"api_key": "  ", "alias": "Ann"}, "api_key"),
        ({"api_key": None, "alias": "Ann"}, "api_key"),
        ({"api_key": 5, "alias": "Ann"}, "api_key"),
        ({"api_key": MASK_A, "alias": "Ann"}, "api_key"),
        ({"api_key": "k" * 4097, "alias": "Ann"}, "api_key"),
        ({"api_key": ANN}, "alias"),
        ({"api_key": ANN, "alias": None}, "alias"),
        ({"api_key": ANN, "alias": 5}, "alias"),
        ({"api_key": ANN, "alias": True}, "alias"),
        ({"api_key": ANN, "alias": "x" * 256}, "alias"),
        ({"api_key": ANN, "alias": "a\0b"}, "alias"),
        ({"api_key": ANN, "owner": None}, "alias"),
        ({"api_key": ANN, "owner": "x" * 256}, "owner"),
        ({"api_key": ANN, "owner": 5}, "owner"),
        ({"api_key": ANN, "note": "x" * 1001}, "note"),
    ],
)
def test_it_rejects_a_bad_name_by_field(client, body, field):
    reply = put(client, **body)
    assert (reply.status_code, reply.json()["field"], ApiKey.objects.count()) == (400, field, 0)
    assert ANN not in reply.text


@pytest.mark.parametrize("query", ["", "?api_key=", "?api_key=%20", f"?api_key={MASK_A}", "?api_key=a%00b"])
def test_it_rejects_a_delete_that_names_no_key(client, query):
    reply = client.delete(f"/aliases{query}")
    assert (reply.status_code, reply.json()["field"]) == (400, "api_key")


GOOD = {"api_key": BOB, "alias": "Bob"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "items"),
        ({"items": None}, "items"),
        ({"items": {}}, "items"),
        ({"items": [GOOD, None]}, "items.1"),
        ({"items": [GOOD, "x"]}, "items.1"),
        ({"items": [GOOD, {"api_key": ANN, "alias": 5}]}, "items.1.alias"),
        ({"items": [GOOD, {"api_key": [ANN], "alias": "Ann"}]}, "items.1.api_key"),
        ({"items": [GOOD, {"api_key": MASK_A, "alias": "Ann"}]}, "items.1.api_key"),
        ({"items": [GOOD, {"key_id": "12ab", "alias": "Ann"}]}, "items.1.key_id"),
        ({"items": [GOOD, {"key_id": ANN, "alias": "Ann"}]}, "items.1.key_id"),
        ({"items": [GOOD, {"api_key": ANN, "alias": "x" * 256}]}, "items.1.alias"),
        ({"items": [GOOD] * 10_001}, "items"),
        ({"items": [GOOD], "mode": "append"}, "mode"),
        ({"items": [GOOD], "mode": 1}, "mode"),
    ],
)
def test_it_rejects_a_bad_file_whole(client, body, field):
    put(client, api_key=ANN, alias="Ann")
    reply = post(client, **{"mode": "replace", **body})
    assert (reply.status_code, reply.json()["field"]) == (400, field)
    assert (names(), Revision.current()) == ({A: "Ann"}, 1)
    assert ANN not in reply.text


@pytest.mark.parametrize("body", ["", "[]", '"x"', "null", "{"])
def test_it_rejects_what_is_no_object(client, body):
    assert client.put("/aliases", body, content_type="application/json").status_code == 400
    assert client.post("/aliases/import", body, content_type="application/json").status_code == 400


# --- Reading ------------------------------------------------------------------------------------------------------


def test_no_reply_holds_a_raw_key(client, count):
    post(client, items=[{"api_key": ANN, "alias": "Ann"}])
    replies = [client.get("/aliases"), client.get("/aliases/export"), put(client, api_key=ANN, alias="A")]
    assert not [reply for reply in replies if ANN in reply.text]
    assert ANN not in json.dumps(list(ApiKey.objects.values()), default=str)


def test_an_unchanged_answer_is_not_sent_again(client, count):
    put(client, api_key=ANN, alias="Ann")
    for address in ("/aliases", "/aliases/export"):
        tag = client.get(address)["ETag"]
        assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
        put(client, api_key=ANN, alias=f"changed for {address}")
        assert client.get(address, headers={"If-None-Match": tag}).status_code == 200
    tag = client.get("/aliases")["ETag"]
    count(ApiKey.objects.get(), 1)
    assert client.get("/aliases", headers={"If-None-Match": tag}).status_code == 200
