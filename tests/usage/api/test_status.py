"""What /status tells: all of it, before anything happened, while all is well, and when it is not."""

from datetime import UTC, datetime, timedelta

import pytest

from catalog.models import Connection
from cpa_usage.incidents import Incident
from tests.usage.api.conftest import CAPTURED, NOW
from usage.ingest.writer import Writer
from usage.models import DrainState, Gap

pytestmark = pytest.mark.django_db
MOMENT = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)  # NOW as a datetime
NEVER = {
    "redis_address": "127.0.0.1:1",
    "redis_mode": "auto",
    "batches_popped": 0,
    "total_inserted": 0,
    "total_deduped": 0,
    "total_decode_errors": 0,
    "total_too_late": 0,
    "total_folded": 0,
    "unknown_fields": [],
    "guessed": [],
    "last_pop_at": None,
    "last_inserted_at": None,
    "last_error": "",
    "last_error_at": None,
    "last_error_ended_at": None,
    "notices": ["drain-silent"],
    "last_metadata_sync_at": None,
    "last_metadata_error": "",
    "statistics_enabled": None,
    "request_log_enabled": None,
    "refused": None,
    "drain_host": "",
    "replica": None,
    "drain_alive": False,
    "lag_ms": 0,
    "spool_files": 0,
    "spool_bytes": 0,
    "dead_letters": 0,
    "gaps": [],
    "proved_at": None,
    "proof": None,
    "proof_holds": None,
    "zone": "Asia/Shanghai",
    "detail_from": None,
}


def status(client):
    return client.get("/api/v1/status").json()


def test_before_anything_happened(client):
    assert status(client) == NEVER


def test_what_the_writer_counted(client):
    arrived = [(NOW, raw) for raw in (*CAPTURED[:5], CAPTURED[0], b"nonsense")]
    Writer().store(arrived)
    counted = {"total_inserted": 5, "total_deduped": 1, "total_decode_errors": 1, "dead_letters": 1}
    counted["notices"] = ["drain-silent", "dead-letters", "unpriced"]
    assert status(client) == {**NEVER, **counted, "last_inserted_at": "2026-11-24T04:30:00Z"}
    Writer().store(arrived)
    assert status(client)["total_deduped"] == 7


def test_what_the_drain_and_the_sync_told(client):
    told = {
        "mode": "pop",
        "batches_popped": 7,
        "total_too_late": 2,
        "total_folded": 3,
        "last_pop_at": MOMENT - timedelta(seconds=1.5),
        "lag_ms": 250,
        "spool_files": 4,
        "spool_bytes": 4096,
        "heartbeat_at": MOMENT - timedelta(seconds=45),
        "events_from": 1_795_449_600_000_000,
        "zone": "Asia/Tokyo",
        "proved_at": MOMENT,
        "proof": "A total differs.",
        "proof_holds": False,
    }
    DrainState.objects.create(pk=1, **told)
    Incident.begin("queue", "CPA is away.", MOMENT - timedelta(hours=1))
    Connection.change(
        last_sync_at=MOMENT, last_error="No auth-files.", statistics_enabled=False, request_log_enabled=True
    )
    start = MOMENT - timedelta(hours=1)
    gap = Gap.objects.create(start=start, end=start + timedelta(minutes=5), reason="away")
    same = ("batches_popped", "total_too_late", "total_folded", "lag_ms", "spool_files", "spool_bytes")
    span = {"start": "2026-11-24T03:30:00Z", "end": "2026-11-24T03:35:00Z"}
    unknown = {"lost": None, "lost_by": [], "times": 1, "dismissed_at": None}
    assert status(client) == {
        **NEVER,
        **{name: told[name] for name in (*same, "zone", "proof", "proof_holds")},
        "proved_at": "2026-11-24T04:30:00Z",
        "redis_mode": "pop",
        "last_pop_at": "2026-11-24T04:29:58.500000Z",
        "last_error": "CPA is away.",
        "last_error_at": "2026-11-24T03:30:00Z",
        "notices": ["cpa-away", "statistics-off", "proof", "gaps"],
        "last_metadata_sync_at": "2026-11-24T04:30:00Z",
        "last_metadata_error": "No auth-files.",
        "statistics_enabled": False,
        "request_log_enabled": True,
        "drain_alive": True,
        "gaps": [{"id": gap.pk, **span, "reason": "away", **unknown}],
        "detail_from": "2026-11-23T16:00:00Z",
    }


@pytest.mark.parametrize(("seconds", "alive"), [(0, True), (45, True), (46, False), (3600, False)])
def test_a_drain_is_alive_for_45_seconds_after_its_heartbeat(client, seconds, alive):
    DrainState.objects.create(pk=1, heartbeat_at=MOMENT - timedelta(seconds=seconds))
    assert status(client)["drain_alive"] is alive


def test_a_refused_key_says_what_to_set(client):
    Connection.refuse("CPA refuses the management key (invalid management key).")
    assert status(client)["refused"].startswith("CPA refuses the management key (invalid management key). Set CPA_MANA")


def test_a_hundred_gaps_are_enough(client):
    Gap.objects.bulk_create(
        Gap(start=MOMENT - timedelta(hours=n), end=MOMENT - timedelta(hours=n), reason=str(n)) for n in range(120)
    )
    assert [gap["reason"] for gap in status(client)["gaps"]] == [str(n) for n in range(100)]
