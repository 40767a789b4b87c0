"""What a batch of raw records becomes."""

from datetime import UTC, datetime

import pytest
from django.db.models import QuerySet

from aliases.models import ApiKey
from pricing.models import Model
from tests.usage.made import CAPTURED, NOON, SECOND, record, rollups, stored, totals
from usage.ingest.writer import Stored, Writer
from usage.models import Client, Day, DeadLetter, DrainState, Event, LimitReading, Quarter, Series
from usage.rollups.check import check

pytestmark = pytest.mark.django_db

# Counted by hand from the captures: 111 requests were made, of which six never reached an upstream.
OF_THE_CAPTURES = {
    "requests": 129,
    "failed": 51,
    "client_requests": 105,
    "client_failed": 28,
    "uncached": 28_013,
    "cache_read": 89_300,
    "cache_write_unspecified": 1_300,
    "output": 20_150,
    "reasoning": 11_972,
    "unclassified": 777,
    "total": 151_512,
    "latency_ms": 6_445,
    "latency_count": 105,
    "ttft_ms": 1_989,
    "ttft_count": 98,
    "without_tokens": 6,
    "unpriced_tokens": 151_512,
    "unpriced_requests": 78,
}


def test_the_captured_records_to_the_unit():
    assert stored(*CAPTURED) == Stored(events=129)
    assert totals(Quarter) == totals(Day) == OF_THE_CAPTURES
    assert list(check()) == []


def test_the_captured_records_one_at_a_time_backwards_and_again():
    writer = Writer()
    for raw in reversed(CAPTURED):
        assert stored(raw, writer=writer) == Stored(events=1)
    for raw in CAPTURED:
        assert stored(raw, writer=Writer()) == Stored(duplicates=1)
    assert totals(Quarter) == totals(Day) == OF_THE_CAPTURES
    assert list(check()) == []


def test_every_column_of_an_event():
    fields = {
        "request_id": "0a1b2c3d",
        "failed": True,
        "fail": {"status_code": 429, "body": "slow down"},
        "service_tier": "auto",
        "request_service_tier": "flex",
        "response_service_tier": "priority",
        "client_ip": "192.0.2.7",
        "x_forwarded_for": "198.51.100.1",
        "user_agent": "curl/8",
        "reasoning_effort": "high",
    }
    stored(record(NOON + 1, **fields))
    event = Event.objects.values(
        *(f.name for f in Event._meta.fields if f.name not in ("id", "fingerprint", "series", "client"))
    ).get()
    assert event == {
        "timestamp": NOON + 1,
        "request_id": "0a1b2c3d",
        "ended_day": NOON // (86_400 * SECOND),
        "imported": None,
        "final": True,
        "latency_ms": 1200,
        "ttft_ms": 300,
        "uncached": 60,
        "cache_read": 40,
        "cache_write": 0,
        "cache_write_1h": 0,
        "cache_write_unspecified": 0,
        "output": 40,
        "reasoning": 10,
        "unclassified": 0,
        "total": 150,
        "service_tier": "auto",
        "request_service_tier": "flex",
        "response_service_tier": "priority",
        "failed": True,
        "fail_status_code": 429,
        "fail_body": "slow down",
        "fail_body_length": 9,
        "claimed": None,
    }
    series = Series.objects.select_related("model", "api_key").get()
    assert (series.tier, series.reasoning_effort, series.failed) == ("flex", "high", True)
    assert (series.model.name, series.api_key.mask, series.context_over) == ("gpt-5", "sk-c****0001", 0)
    assert Client.objects.values_list("ip", "forwarded_for", "user_agent").get() == (
        "192.0.2.7",
        "198.51.100.1",
        "curl/8",
    )


def test_models_keys_series_and_clients_are_observed_once():
    for _ in range(2):
        stored(record(NOON, model="a"), record(NOON + 1, model="b", api_key=""), record(NOON + 2, model="b"))
    assert sorted(Model.objects.values_list("name", flat=True)) == ["a", "b"]
    assert sorted(ApiKey.objects.values_list("mask", flat=True)) == ["", "sk-c****0001"]
    assert (Series.objects.count(), Client.objects.count()) == (3, 1)


def test_no_key_of_a_client_or_an_upstream_is_in_any_table():
    stored(*CAPTURED)
    secrets = ("sk-client-alice-0001", "sk-or-mock-AAAA1111")
    for model in (Series, Client, Event, ApiKey, Model, LimitReading, DrainState):
        text = repr(list(model.objects.values_list()))
        assert not [secret for secret in secrets if secret in text], model


def test_a_batch_goes_on_past_what_cannot_be_read():
    batch = (b"\xff\xfe", record(NOON), b"[1]", b'{"refresh":true}', record(NOON + 1), b"[1]")
    assert stored(*batch) == Stored(events=2, dead=2, refresh=True)
    assert stored(*batch) == Stored(duplicates=2, refresh=True)
    letters = DeadLetter.objects.order_by("id").values_list("kind", "arrived")
    assert list(letters) == [("malformed", NOON)] * 2
    assert {bytes(raw) for raw in DeadLetter.objects.values_list("raw", flat=True)} == {b"\xff\xfe", b"[1]"}
    assert totals()["requests"] == 2


def test_dead_letters_that_go_meanwhile_are_not_subtracted(monkeypatch):
    stored(b"old 1", b"old 2", arrived=NOON - SECOND)
    insert = QuerySet.bulk_create

    def beside_retention(rows, letters, **options):
        DeadLetter.objects.filter(arrived__lt=NOON).delete()
        return insert(rows, letters, **options)

    monkeypatch.setattr(QuerySet, "bulk_create", beside_retention)
    assert stored(b"new", b"new") == Stored(dead=1)
    assert stored(b"new") == Stored()
    assert DrainState.load().total_decode_errors == 3


def test_blanks_around_a_record_make_no_other_record():
    assert stored(record(NOON), b"  " + record(NOON) + b"\n") == Stored(events=1, duplicates=1)


def test_a_time_that_is_not_believed_counts_at_its_arrival():
    raw = record(NOON - 10 * 365 * 86_400 * SECOND)
    assert stored(raw, arrived=NOON) == Stored(events=1)
    assert stored(raw, arrived=NOON) == Stored(duplicates=1)
    assert Event.objects.values_list("timestamp", "claimed").get() == (NOON, NOON - 10 * 365 * 86_400 * SECOND)


def test_the_state_tells_what_was_stored(set_clock):
    now = datetime(2026, 11, 24, 4, tzinfo=UTC)
    set_clock(now)
    stored(record(NOON), record(NOON), b"no record")
    DrainState.objects.update(events_from=NOON)
    stored(record(NOON - 1))
    state = DrainState.load()
    counts = ("total_inserted", "total_deduped", "total_decode_errors", "total_too_late", "total_folded")
    assert [getattr(state, name) for name in counts] == [1, 1, 1, 1, 0]
    assert (state.last_inserted_at, state.zone, state.data_version) == (now, "Asia/Shanghai", 2)


def test_a_failed_batch_leaves_nothing_and_the_writer_goes_on(monkeypatch):
    """What the writer remembers of a batch that was rolled back must not be believed afterwards."""
    writer, insert = Writer(), Writer._insert

    def broken(self, *details):
        insert(self, *details)
        raise OSError("the disk is full")

    monkeypatch.setattr(Writer, "_insert", broken)
    with pytest.raises(OSError, match="disk"):
        stored(record(NOON), writer=writer)
    assert (Event.objects.count(), Series.objects.count(), Model.objects.count()) == (0, 0, 0)
    monkeypatch.setattr(Writer, "_insert", insert)
    assert stored(record(NOON), writer=writer) == Stored(events=1)
    assert list(check()) == []


def test_an_empty_batch_is_nothing():
    assert stored() == Stored()
    assert not any(rollups().values())


def test_a_mask_that_shows_nothing_is_renewed_when_its_key_is_seen_again():
    stored(record(NOON))
    for n, mask in enumerate(("****", "")):
        ApiKey.objects.real().update(mask=mask)
        stored(record(NOON + 1 + n))
        assert ApiKey.objects.real().get().mask == "sk-c****0001"
