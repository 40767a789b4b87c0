"""/readyz: ready while records are consumed, and why not when they are not."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder

from cpa_usage.incidents import Incident
from usage.models import DrainState

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_noon(set_clock):
    set_clock(NOW)


def drained(heartbeat=0, pop=0):
    """A drain whose last signs were so many seconds ago; None for never."""
    signs = {"heartbeat_at": heartbeat, "last_pop_at": pop}
    DrainState.objects.create(
        pk=1, **{name: None if ago is None else NOW - timedelta(seconds=ago) for name, ago in signs.items()}
    )


def readyz(client, path="/readyz"):
    reply = client.get(path)
    assert reply["Content-Type"] == "application/json"
    return reply.status_code, reply.json()


def unready(reason):
    return 503, {"status": "unready", "reason": reason}


@pytest.mark.parametrize(("heartbeat", "pop"), [(0, 0), (45, 45), (6, 11)])
def test_ready_while_records_are_consumed(client, heartbeat, pop):
    drained(heartbeat, pop)
    assert readyz(client) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("heartbeat", "pop", "reason"),
    [
        (46, 46, "The collector has not responded since 11:59."),
        (1, 46, "CPA has not answered since 11:59."),
        (1, None, "CPA's queue has not answered yet."),
        (None, None, "The collector has never run."),
    ],
)
def test_unready_within_a_minute_of_a_stall(client, heartbeat, pop, reason):
    drained(heartbeat, pop)
    assert readyz(client) == unready(reason)


def test_unready_before_the_first_drain(client):
    assert readyz(client) == unready("The collector has never run.")


def test_unready_while_migrations_are_missing(client):
    drained()
    MigrationRecorder.Migration.objects.filter(app="usage").delete()
    code, reply = readyz(client)
    assert (code, reply["status"]) == (503, "unready")
    assert reply["reason"].startswith("The database is not of this version. The database is not up to date, ")
    assert reply["reason"].endswith(" migrations are missing: run manage.py migrate.")


def test_the_reason_is_in_english_and_the_most_urgent(client):
    drained()
    Incident.begin("counted", "Some are missing.", NOW)
    assert readyz(client) == (200, {"status": "ready"})
    Incident.begin("spool", "It is full.", NOW)
    Incident.begin("key", "It is wrong.", NOW)
    reply = client.get("/readyz", headers={"Accept-Language": "zh-hans"})
    reason = "CPA refuses the management key (since 12:00)."  # the rest may quote what CPA said
    assert (reply.status_code, reply.json()["reason"]) == (503, reason)


def test_unready_while_the_database_is_away(client, monkeypatch):
    def away(*kinds, **fields):
        raise OperationalError("database is locked")

    monkeypatch.setattr(Incident.objects, "filter", away)
    assert readyz(client) == unready("The database is locked by another process: try again in a moment.")


def test_no_sign_in_is_needed(client, settings):
    settings.AUTH_ENABLED = True
    drained()
    assert readyz(client) == (200, {"status": "ready"})


def test_five_database_queries_are_enough(client, django_assert_num_queries):
    drained()
    client.get("/readyz")
    with django_assert_num_queries(5):
        client.get("/readyz")
