"""A flood of label sets folds into one instead of filling the tables; prices and totals stay right."""

import pytest

from pricing.models import Model
from tests.usage.made import NOON, record, stored, totals
from usage.ingest import labels
from usage.ingest.writer import Writer
from usage.models import DrainState, Series
from usage.rollups.check import check

pytestmark = pytest.mark.django_db


def flood(start, count):
    return [record(NOON + n, alias=f"name-{n}", endpoint=f"POST /{n}") for n in range(start, start + count)]


@pytest.fixture(autouse=True)
def limit(monkeypatch):
    monkeypatch.setattr(labels, "SERIES_LIMIT", 3)


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
    """Folding takes names away; whether two attempts are one request is known before."""
    stored(*flood(0, 3))
    retried = {"alias": "x", "request_id": "0a0a0a0a"}
    stored(record(NOON + 9, failed=True, **retried), record(NOON + 10, **retried))
    stored(record(NOON + 11, request_id="0b0b0b0b", alias="y"), record(NOON + 12, request_id="0b0b0b0b", alias="z"))
    assert totals()["client_requests"] == 3 + 1 + 2
    assert list(check()) == []


def test_numbers_that_are_no_status_codes_are_one_label():
    stored(
        *(record(NOON + n, failed=True, fail={"status_code": code}) for n, code in enumerate((0, 7, 99, 600, 10**9)))
    )
    assert list(Series.objects.values_list("status", flat=True)) == [0]
