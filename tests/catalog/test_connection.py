"""The row all processes share: how often it changed, and the right to sync."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from catalog.models import Connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(set_clock):
    """A function that moves the time by minutes."""
    set_clock(datetime(2026, 11, 24, 12, tzinfo=UTC))
    return lambda minutes: set_clock(timezone.now() + timedelta(minutes=minutes))


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
