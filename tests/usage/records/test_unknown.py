"""Fields that we do not know are noticed by their names, in a sample, and nothing of their values is kept."""

import json

import pytest

from tests.usage.made import CAPTURED, NOON, record, stored
from usage.models import DrainState, Event
from usage.records import unknown
from usage.records.decoding import UNREAD, Item, decode, is_known


@pytest.fixture(autouse=True)
def names(monkeypatch):
    """The names that this process has met: none yet."""
    fresh = unknown.UnknownFields()
    for module in ("usage.records.decoding", "usage.ingest.writer"):
        monkeypatch.setattr(f"{module}.unknown_fields", fresh)
    return fresh.names


def with_fields(n=0, tokens=(), **fields):
    item = json.loads(record(NOON + n, **fields))
    item["tokens"] |= dict(tokens)
    return json.dumps(item).encode()


def test_every_field_that_cpa_sends_is_known(names):
    for raw in CAPTURED:
        decode(raw.strip())
    assert names == set()


def test_names_of_items_and_of_tokens_are_met_and_the_figures_stay(names):
    item = decode(with_fields(tokens={"image_tokens": 7, "cache_creation_2h_tokens": 1}, image_count=2, latency_ms=5))
    assert names == {"image_count", "tokens.image_tokens", "tokens.cache_creation_2h_tokens"}
    assert (item.latency_ms, item.tokens.input_tokens) == (5, 100)


@pytest.mark.parametrize(
    "name",
    [
        "sk-client-alice-0001",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "AIzaSyD4eC39HqLyjWDarjtT1zdp7dcXYZabc",
        "",
        "a b",
        "1",
    ],
)
def test_what_is_no_name_of_a_field_is_not_kept(names, name):
    decode(with_fields(**{name: 1}, tokens={name: 1}))
    assert names == set()


def test_names_are_few_and_short(names):
    decode(with_fields(**{f"f{n}_{'_'.join(['long'] * 30)}": "a value" for n in range(99)}))
    assert (len(names), {len(name) for name in names}) == (50, {64})


def test_of_many_records_only_a_sample_is_looked_through(names, monkeypatch):
    looked = []
    monkeypatch.setattr("usage.records.decoding._json", lambda raw: looked.append(raw) or {})
    for n in range(3000):
        decode(with_fields(n, new=1))
    assert len(looked) == 100 + 3


def test_known_fields_in_other_letters_are_known(names):
    item = json.loads(record(NOON))
    decode(json.dumps({name.upper(): value for name, value in item.items()}).encode())
    assert names == set()
    assert all(is_known(name) for name in (*Item.__struct_fields__, *UNREAD))


@pytest.mark.parametrize("other", [5, True, "abc", [["a"]], None])
def test_tokens_that_are_there_twice_in_other_letters_stop_nothing(names, other):
    item = decode(json.dumps({"Tokens": other, **json.loads(record(NOON))}).encode())
    assert (item.tokens.input_tokens, names) == (100, set())


@pytest.mark.django_db
def test_the_drain_keeps_the_names(client):
    stored(with_fields(tokens={"image_tokens": 7}, image_count=2))
    stored(with_fields(1, quality="high"))
    stored(record(NOON + 2))
    kept = ["image_count", "quality", "tokens.image_tokens"]
    assert (DrainState.load().unknown_fields, Event.objects.count()) == (kept, 3)
    assert client.get("/api/v1/status").json()["unknown_fields"] == kept
    page = client.get("/system/").text
    assert all(f"<code>{name}</code>" in page for name in kept)
    assert "high" not in page.split("<code>quality")[1][:200]


@pytest.mark.django_db
def test_a_field_that_a_newer_version_knows_is_not_shown(client):
    DrainState.objects.create(pk=1, unknown_fields=["image_count", "service_tier"])
    assert client.get("/api/v1/status").json()["unknown_fields"] == ["image_count"]
