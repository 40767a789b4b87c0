"""The lock: one drain at a time for a database, and for a spool."""

import errno
import os

import pytest
from django.db import OperationalError, connection

from tests.usage.collector.process import AT_WORK
from tests.usage.made import NOON, record
from tests.waiting import until
from usage.collector.lock import DrainLock
from usage.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lock():
    """A function that makes a lock, released at the end."""
    locks = []

    def of(folder):
        locks.append(DrainLock(folder))
        return locks[-1]

    yield of
    for one in locks:
        one.release()


def test_one_has_it_and_keeps_it_and_another_gets_it_after(lock, home):
    first, second = lock(home), lock(home)
    assert [first.acquire(), second.acquire(), first.acquire(), second.acquire()] == [True, False, True, False]
    first.release()
    assert [second.acquire(), first.acquire()] == [True, False]


def test_two_spools_on_one_database_are_still_one_lock(lock, home):
    first, second = lock(home), lock(home.parent / "other")
    assert [first.acquire(), second.acquire()] == [True, False]
    first.release()
    assert second.acquire()


def test_a_lock_whose_session_the_database_ended_is_taken_again_unless_another_has_it(lock, home):
    first = lock(home)
    assert first.acquire()
    if connection.vendor == "postgresql":
        end_sessions()
    assert first.acquire()
    assert not lock(home.parent / "other").acquire()


@pytest.mark.sqlite  # elsewhere there is no file next to the database
def test_a_lock_that_the_file_system_refuses_names_the_file_and_leaves_nothing_open(lock, home, monkeypatch):
    first = lock(home)
    assert first._spool.acquire()

    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("usage.collector.lock.fcntl.flock", refuse)
    opened = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OperationalError, match=r"\.drain\.lock cannot be opened: No locks available"):
        first.acquire()
    assert len(os.listdir("/proc/self/fd")) == opened


def test_a_drain_whose_sessions_are_ended_goes_on(cpa, start):
    drain = start()
    drain.says(AT_WORK)
    for n in range(3):
        if connection.vendor == "postgresql":
            end_sessions()
        cpa.push(record(NOON + n))
        until(lambda wanted=n + 1: Event.objects.count() == wanted)
    assert drain.stop() == 0
    assert "Traceback" not in drain.log


def test_a_lock_lost_to_another_while_the_session_was_cut_is_not_had(lock, home):
    first, second = lock(home), lock(home.parent / "other")
    first.acquire()
    first._database.release()  # as the database does with the lock of a session that is gone
    assert second.acquire()
    assert not first.acquire()


def end_sessions():
    """PostgreSQL ends every session of this database but ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
