"""The row all processes share: a refused key, and the right to sync."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from catalog import models
from catalog.models import Connection

pytestmark = pytest.mark.django_db

REASON = "CPA refuses the key. Set CPA_MANAGEMENT_KEY."


@pytest.fixture
def clock(set_clock):
    """A function that moves the time by minutes."""
    set_clock(datetime(2026, 11, 24, 12, tzinfo=UTC))
    return lambda minutes: set_clock(timezone.now() + timedelta(minutes=minutes))


def test_nothing_is_refused_at_first():
    assert Connection.refused() is None
    assert Connection.objects.count() == 0


def test_a_refusal_stops_every_process_for_ten_minutes(clock):
    Connection.refuse(REASON)
    assert Connection.refused() == REASON
    clock(9.9)
    assert Connection.refused() == REASON
    clock(0.1)
    assert Connection.refused() is None


def test_accepting_ends_it_for_all(clock):
    Connection.refuse(REASON)
    Connection.accepted()
    assert (Connection.refused(), Connection.load().refused_until) == (None, None)


def test_a_refusal_elsewhere_is_learnt_and_its_end_too(clock):
    assert Connection.refused() is None
    Connection.objects.update_or_create(
        pk=1,
        defaults={
            "refused_until": timezone.now() + timedelta(minutes=1),
            "refused_reason": REASON,
            "refused_key": models.key_id(),
        },
    )
    assert Connection.refused() == REASON
    Connection.objects.update(refused_until=None)
    assert Connection.refused() is None


@pytest.mark.parametrize("name", ["CPA_MANAGEMENT_KEY", "CPA_BASE_URL"])
def test_a_new_key_or_address_may_be_tried_at_once(settings, name):
    Connection.refuse(REASON)
    setattr(settings, name, "http://127.0.0.1:2")
    assert Connection.refused() is None


def test_the_row_tells_nothing_of_the_key(settings):
    settings.CPA_MANAGEMENT_KEY = "hunter2"
    Connection.refuse(REASON)
    assert "hunter2" not in repr(Connection.objects.values().get())


def test_a_reason_without_a_cure_gets_one():
    Connection.refuse("CPA refuses the management key: invalid management key.")
    assert Connection.refused() == (
        "CPA refuses the management key: invalid management key. "
        "Set CPA_MANAGEMENT_KEY to the remote-management secret-key of CPA's config."
    )


def test_a_refusal_is_logged_once(caplog):
    Connection.refuse(REASON)
    for _ in range(3):
        Connection.refused()
    assert [record.message for record in caplog.records] == [f"{REASON} It is not tried again for 10 minutes."]


def test_changes_are_counted():
    assert Connection.current_revision() == 0
    Connection.change()
    Connection.change(statistics_enabled=False)
    assert (Connection.current_revision(), Connection.load().statistics_enabled) == (2, False)


def test_one_sync_at_a_time(clock):
    first = Connection.take_sync(60)
    assert (first.pk, Connection.take_sync(60)) == (1, None)
    assert first.end_sync() is True
    assert Connection.take_sync(60) is not None


def test_a_sync_that_died_blocks_no_longer_than_it_said(clock):
    lost = Connection.take_sync(60)
    clock(1)
    second = Connection.take_sync(60)
    assert second is not None
    assert lost.end_sync(version="stale") is False
    assert (Connection.load().version, Connection.take_sync(60)) == ("", None)
