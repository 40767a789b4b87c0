"""A flood of label sets folds into one instead of filling the tables; prices and totals stay right."""

import pytest

from aliases.models import ApiKey
from pricing.models import Model
from tests.usage.made import NOON, record, rollups, stored, totals
from usage.ingest import folding
from usage.ingest.writer import Writer
from usage.models import DrainState, Series
from usage.models.labels import OTHER_KEY
from usage.rollups.check import check
from usage.rollups.rebuild import rebuild

pytestmark = pytest.mark.django_db


def flood(start, count):
    return [record(NOON + n, alias=f"name-{n}", endpoint=f"POST /{n}") for n in range(start, start + count)]


@pytest.fixture(autouse=True)
def limit(monkeypatch):
    monkeypatch.setattr(folding, "SERIES_LIMIT", 3)
    monkeypatch.setattr(folding, "SPARE", 2)


def test_label_sets_beyond_the_limit_share_one_series():
    writer = Writer()
    stored(*flood(0, 2), writer=writer)
    stored(*flood(2, 8), writer=writer)
    assert Series.objects.count() == 4
    other = Series.objects.select_related("model", "api_key").get(requested_model="(other)")
    assert (other.provider, other.source, other.auth_index, other.endpoint) == ("(other)",) * 4
    assert (other.model.name, other.api_key.mask) == ("gpt-5", "sk-c****0001")
    assert other.events.count() == 7
    assert totals()["requests"] == 10
    assert DrainState.load().total_folded == 7
    assert list(check()) == []


def test_every_folded_record_is_told():
    writer = Writer()
    stored(*flood(0, 5), writer=writer)
    stored(record(NOON + 100, alias="name-4", endpoint="POST /4"), writer=writer)
    assert DrainState.load().total_folded == 3


def test_what_was_known_before_is_found_again_after_a_restart():
    stored(*flood(0, 3))
    stored(record(NOON + 50, alias="name-1", endpoint="POST /1"), *flood(10, 1))
    assert Series.objects.get(requested_model="name-1").events.count() == 2
    assert Series.objects.get(requested_model="(other)").events.count() == 1


def test_a_folded_record_still_has_its_price():
    Model.objects.create(name="gpt-5").set_price({"prompt": 2, "completion": 3})
    stored(*flood(0, 5))
    assert totals()["cost"] == 5 * (100 * 2 + 50 * 3)


def test_folded_records_end_the_requests_they_ended():
    """Attempts of one request have the same key, endpoint and requested model, so these fold alike."""
    stored(*flood(0, 3))
    retried = {"alias": "x", "request_id": "0a0a0a0a"}
    stored(record(NOON + 9, failed=True, **retried))
    stored(record(NOON + 10, **retried), record(NOON + 11, request_id="0b0b0b0b", alias="y"))
    assert totals()["client_requests"] == 3 + 1 + 1
    before = rollups()
    list(rebuild())
    assert (rollups(), list(check())) == (before, [])


def test_messages_of_a_websocket_stay_requests_of_their_own():
    stored(*flood(0, 3))
    stored(*(record(NOON + 9 + n, request_id="0a0a0a0a", endpoint="GET /v1/responses") for n in range(4)))
    assert Series.objects.filter(endpoint="GET (other)").count() == 1
    assert totals()["client_requests"] == 7
    list(rebuild())
    assert (totals()["client_requests"], list(check())) == (7, [])


def crossing(count):
    """Every set is of known models and keys, and new."""
    keys, models = [f"sk-client-{n:08}" for n in range(6)], [f"gpt-{n}" for n in range(6)]
    pairs = [(model, key) for model in models for key in keys]
    return [record(NOON + n, model=model, api_key=key, alias="a") for n, (model, key) in enumerate(pairs[:count])]


def test_sets_of_models_and_keys_lose_the_key_and_then_the_model():
    writer = Writer()
    for raw in crossing(36):
        stored(raw, writer=writer)
    sets = list(Series.objects.order_by("id").values_list("model__name", "api_key__mask", "requested_model"))
    assert sets == [
        ("gpt-0", "sk-c****0000", "a"),
        ("gpt-0", "sk-c****0001", "a"),
        ("gpt-0", "sk-c****0002", "a"),
        ("gpt-0", "sk-c****0003", "(other)"),
        ("gpt-0", "sk-c****0004", "(other)"),
        ("gpt-0", "(other)", "(other)"),
        ("gpt-1", "(other)", "(other)"),
        ("(other)", "(other)", "(other)"),
    ]
    assert ApiKey.objects.exclude(fingerprint=OTHER_KEY).count() == 5
    assert (totals()["requests"], DrainState.load().total_folded, list(check())) == (36, 33, [])


def test_numbers_that_are_no_status_codes_are_one_label():
    stored(
        *(record(NOON + n, failed=True, fail={"status_code": code}) for n, code in enumerate((0, 7, 99, 600, 10**9)))
    )
    assert list(Series.objects.values_list("status", flat=True)) == [0]
