"""The lock: one drain at a time for a database, and for a spool."""

import errno
import fcntl
import os
import platform
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from cpa_usage.incidents import Incident
from tests.usage.collector.process import AT_WORK
from tests.usage.made import NOON, record
from tests.waiting import until
from usage.collector.draft import Draft
from usage.collector.lock import DrainLock
from usage.collector.reader import ReaderState
from usage.collector.spool import Spool
from usage.collector.watch.watch import Watch
from usage.models import DrainState, Event, Gap, LockLost

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


def test_one_that_an_upgrade_holds_leaves_the_right_to_another(lock, home):
    first, second = lock(home), lock(home.parent / "other")
    assert first.acquire()
    with (home / "upgrade").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(OperationalError, match="An upgrade is under way"):
            first.acquire()
        assert second.acquire()
    assert not first.acquire()


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


if connection.vendor == "postgresql":

    @pytest.fixture
    def lapse():
        """A function that lets the right to drain lapse, as if its owner had been silent for long."""
        return lambda: DrainState.objects.update(owned_until=timezone.now() - timedelta(seconds=1))

    def test_a_right_that_lapsed_is_renewed_unless_another_took_it(lock, home, lapse):
        first, second = lock(home), lock(home.parent / "other")
        first.acquire()
        lapse()
        assert [first.acquire(), second.acquire()] == [True, False]
        lapse()
        assert [second.acquire(), first.acquire()] == [True, False]

    def test_the_next_run_on_the_spool_of_one_that_was_killed_has_the_right_at_once(lock, home):
        killed, other, following = lock(home), lock(home.parent / "other"), lock(home)
        assert [killed.acquire(), other.acquire()] == [True, False]
        killed._spool.release()  # all that the kernel does
        assert [following.acquire(), other.acquire()] == [True, False]
        with pytest.raises(LockLost), killed.right.writing():
            pass

    def test_a_drain_that_lost_the_right_writes_nothing_more(lock, begin, cpa, home, lapse):
        one, other = begin(), lock(home.parent / "other")
        cpa.push(record(NOON))
        one.until_stored(1)
        one.until_reported()
        lapse()
        assert other.acquire()
        before = DrainState.objects.values().get()
        cpa.push(record(NOON + 1))
        until(lambda: one.run.spool.depth)
        one.run.state.gaps.lost(1, NOON, NOON + 1)
        one.run.state.errors.report("queue", "It does not answer.")
        with pytest.raises(LockLost):
            one.step()
        with pytest.raises(LockLost):
            one.run._report.write()
        with pytest.raises(LockLost):
            one.run._watch._note_counted(base={})
        one.end()
        assert (Event.objects.count(), Gap.objects.count(), Incident.objects.count()) == (1, 0, 0)
        assert DrainState.objects.values().get() == before
        assert one.run.spool.depth  # for the handover

    def test_a_drain_with_records_comes_before_one_without(lock, home):
        first, empty, full = lock(home), lock(home.parent / "empty"), lock(home.parent / "full")
        Draft(Spool(home.parent / "full")).add([(NOON, b"{}")])
        assert [first.acquire(), empty.acquire(), first.acquire(), first.right.wanted] == [True, False, True, False]
        assert [full.acquire(), first.acquire(), first.right.wanted] == [False, True, True]
        first.release()
        assert [first.acquire(), empty.acquire(), full.acquire()] == [False, False, True]
        assert DrainState.load().host == platform.node()

    def test_what_a_drain_beside_us_may_have_popped_is_no_loss(lock, home, lapse):
        first, second = lock(home), lock(home.parent / "other")
        assert [first.acquire(), first.right.shared] == [True, False]
        first.release()
        assert [second.acquire(), second.right.shared] == [True, False]
        lapse()
        assert [first.acquire(), first.right.shared] == [True, True]
        assert Watch(ReaderState(), None, first.right)._known_gap({"0123": 5})
        assert not Gap.objects.exists()

    def test_a_transaction_that_its_drain_left_alone_is_ended_by_the_server(lock, home):
        first = lock(home)
        first.acquire()
        with first.right.writing(), connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            assert cursor.fetchone() == ("4s",)


def end_sessions():
    """PostgreSQL ends every session of this database but ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
