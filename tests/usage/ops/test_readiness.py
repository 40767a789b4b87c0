"""/readyz: ready while records are consumed, and why not when they are not."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder

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
        (46, 46, "The drain has given no sign of life since 2026-11-24T03:59:14Z."),
        (1, 46, "CPA's queue has not answered since 2026-11-24T03:59:14Z: /status says why."),
        (1, None, "CPA's queue has not answered yet: /status says why."),
        (None, None, "The drain has never run: start it (manage.py drain)."),
    ],
)
def test_unready_within_a_minute_of_a_stall(client, heartbeat, pop, reason):
    drained(heartbeat, pop)
    assert readyz(client) == unready(reason)


def test_unready_before_the_first_drain(client):
    assert readyz(client) == unready("The drain has never run: start it (manage.py drain).")


def test_unready_while_migrations_are_missing(client):
    drained()
    MigrationRecorder.Migration.objects.filter(app="usage").delete()
    code, reply = readyz(client)
    assert (code, reply["status"]) == (503, "unready")
    assert reply["reason"].startswith("The database is not up to date, ")
    assert reply["reason"].endswith(" migrations are missing: run manage.py migrate.")


def test_unready_while_the_database_is_away(client, monkeypatch):
    def load():
        raise OperationalError("database is locked")

    monkeypatch.setattr(DrainState, "load", load)
    assert readyz(client) == unready("The database is locked by another process: try again in a moment.")


def test_no_sign_in_is_needed(client, settings):
    settings.AUTH_ENABLED = True
    drained()
    assert readyz(client) == (200, {"status": "ready"})


def test_two_database_queries_are_enough(client, django_assert_num_queries):
    drained()
    client.get("/readyz")
    with django_assert_num_queries(2):
        client.get("/readyz")
