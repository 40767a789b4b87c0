"""The drain as a service: what systemd hears of it, and how an upgrade holds it."""

import fcntl
import socket

import pytest
from django.db import OperationalError

from tests.usage.collector.process import AT_WORK
from tests.usage.made import NOON, record
from tests.waiting import until
from usage.collector.service import Watchdog, is_held, patient
from usage.models import Event


@pytest.fixture
def heard(tmp_path, monkeypatch):
    """A function that returns what systemd has been told since it was called before."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))

        def messages():
            found = []
            while True:
                try:
                    found.append(manager.recv(1000).decode())
                except BlockingIOError:
                    return found

        yield messages


def test_it_says_that_it_is_at_work_every_few_seconds(heard):
    now = 100.0
    watchdog = Watchdog(clock=lambda: now)
    watchdog.pet()
    now += 1.9
    watchdog.pet()
    assert heard() == ["READY=1\nWATCHDOG=1"]
    now += 0.1
    watchdog.pet()
    assert heard() == ["READY=1\nWATCHDOG=1"]


def test_a_long_transaction_is_given_time(heard, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "120000000")
    with pytest.raises(OperationalError), patient():
        assert heard() == ["WATCHDOG_USEC=21600000000"]
        raise OperationalError
    assert heard() == ["WATCHDOG_USEC=120000000"]


def test_nothing_is_said_where_systemd_did_not_start_it(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Watchdog().pet()
    with patient():
        pass


def test_an_upgrade_holds_it_while_the_file_is_locked(tmp_path):
    assert not is_held(tmp_path)
    with (tmp_path / "upgrade").open("w") as file:
        assert not is_held(tmp_path)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


@pytest.mark.django_db(transaction=True)
def test_a_held_drain_takes_records_and_stores_none(cpa, begin, home):
    home.mkdir()
    with (home / "upgrade").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        cpa.push(record(NOON), record(NOON + 1000))
        held = begin()
        until(lambda: held.run.spool.depth and not cpa.queued)
        assert "An upgrade is under way" in held.step().error
        assert (held.stored, Event.objects.count()) == (0, 0)
    held.run._retry_at = 0
    held.until_stored(2)


@pytest.mark.django_db(transaction=True)
def test_one_that_stands_by_is_alive_too(cpa, start, heard, tmp_path):
    start().says(AT_WORK)
    start(NOTIFY_SOCKET=str(tmp_path / "notify")).says("standing by")
    heard()
    until(heard)
