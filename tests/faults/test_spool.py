"""The spool's disk fills or fails, its files are damaged or strange, the drain is frozen: no record goes in silence."""

import os
import signal
import sqlite3
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.stage import AT_WORK, caught_up, push
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough


def at_work(stage, cpa):
    """A drain that has stored ten records."""
    drain = stage.drain()
    drain.says(AT_WORK)
    push(cpa, 10)
    until(lambda: stage.stored == 10 and not stage.waiting)
    return drain


@contextmanager
def locked(stage):
    """Nothing can be stored meanwhile."""
    with closing(sqlite3.connect(stage.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


def gaps(stage):
    """(start, end, reason, lost) of each gap, oldest first."""
    with closing(sqlite3.connect(stage.database)) as database:
        found = database.execute("SELECT start, end, reason, lost FROM usage_gap ORDER BY start").fetchall()
    return [tuple(map(_moment, gap[:2])) + gap[2:] for gap in found]


def _moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("mode", ("pop", "subscribe", "http"))
def test_what_the_spool_cannot_take_goes_straight_to_the_database(set_up, cpa, mode):
    stage = set_up(cpa.base_url, cpa.management_key, QUEUE_MODE=mode)
    drain = at_work(stage, cpa)
    stage.spool.chmod(0o500)
    for start in range(10, 3010, 500):
        push(cpa, 500, start=start)
    until(lambda: stage.stored == 3010)
    assert "cannot be written: Permission denied" in drain.log
    assert drain.stop() == 0
    assert (stage.stored, stage.waiting, gaps(stage)) == (3010, 0, [])
    stage.spool.chmod(0o700)


def test_what_neither_the_spool_nor_the_database_took_is_a_gap_with_its_number(stage, cpa):
    drain = at_work(stage, cpa)
    stage.spool.chmod(0o500)
    with locked(stage):
        began = datetime.now(UTC)
        push(cpa, 500, start=10)
        drain.says("cannot be written: ")
        until(lambda: 0 < cpa.queued < 500)
        time.sleep(0.5)
        lost = 500 - cpa.queued
        drain.popen.kill()
        drain.popen.wait()
    stage.spool.chmod(0o700)
    drain = stage.drain()
    caught_up(stage, cpa, 510 - lost)
    until(lambda: gaps(stage))
    [(start, end, reason, number)] = gaps(stage)
    assert (number, "took no more records" in reason) == (lost, True)
    assert began <= start <= end <= datetime.now(UTC)
    assert drain.stop() == 0
    assert stage.drain().says(AT_WORK) or len(gaps(stage)) == 1


def test_a_group_that_is_larger_than_the_room_on_the_disk_is_written_in_pieces(set_up, cpa, small_disk, tmp_path):
    disk = small_disk(tmp_path / "spool")
    stage = set_up(cpa.base_url, cpa.management_key, QUEUE_MODE="subscribe")
    drain = at_work(stage, cpa)
    with locked(stage):
        disk.fill(drain, limit=32 * 1024)
        push(cpa, 8000, start=10, user_agent="x" * 500)  # more than what the sockets hold
        drain.says("cannot be written: ")
        assert not disk.mounted or not stage.waiting
        disk.free(drain)
        disk.fill(drain, limit=32 * 1024, room=64 * 1024)
        until(lambda: stage.waiting)
        assert cpa.queued
    caught_up(stage, cpa, 8010)
    assert drain.stop() == 0
    assert gaps(stage) == []


def test_a_spool_on_the_disk_of_the_database_leaves_it_the_last_of_the_room(tmp_path, set_up, cpa, small_disk):
    disk = small_disk(tmp_path / "data")  # smaller than what is left to the database
    stage = set_up(cpa.base_url, cpa.management_key, SPOOL_DIR=str(tmp_path / "data" / "spool"))
    drain = at_work(stage, cpa)
    push(cpa, 2000, start=10)
    caught_up(stage, cpa, 2010)
    assert "No more room than the database needs" in drain.log or not disk.mounted
    assert (drain.stop(), gaps(stage)) == (0, [])


def test_a_flipped_bit_costs_one_record_which_becomes_a_dead_letter(stage, cpa):
    drain = at_work(stage, cpa)
    with locked(stage):
        push(cpa, 1200, start=10)
        until(lambda: stage.spooled == 1200)
        drain.popen.kill()
        drain.popen.wait()
        largest = max(stage.spool.glob("*.batch"), key=lambda path: path.stat().st_size)
        data = bytearray(largest.read_bytes())
        data[len(data) // 2] ^= 8
        largest.write_bytes(data)
    drain = stage.drain()
    caught_up(stage, cpa, 1209)
    assert f"{largest.name} is damaged in 1 places: what they held becomes a dead letter." in drain.log
    assert stage.query("SELECT count(*) FROM usage_deadletter") == (1,)
    assert "WRONG Dead letters: 1 record could not be stored." in stage.manage("doctor").stdout
    assert drain.stop() == 0
    assert sorted(path.name for path in stage.spool.iterdir()) == ["drain.lock", "in-hand"]


def test_strange_things_in_the_spool_keep_no_drain_from_working(stage, cpa):
    stage.spool.mkdir(mode=0o700)
    for suffix in ("batch", "part"):
        os.mkfifo(stage.spool / f"00000000000000000001.{suffix}")
        (stage.spool / f"00000000000000000002.{suffix}").mkdir()
        (stage.spool / f"00000000000000000003.{suffix}").symlink_to("/nowhere")
        (stage.spool / f"00000000000000000004.{suffix}").write_bytes(b"unreadable")
        (stage.spool / f"00000000000000000004.{suffix}").chmod(0)
    for name in ("subscribed", "in-hand"):
        os.mkfifo(stage.spool / name)
    drain = at_work(stage, cpa)
    push(cpa, 100, start=10)
    caught_up(stage, cpa, 110)
    assert drain.stop() == 0
    assert "was put aside" in drain.log
    doctor = stage.manage("doctor").stdout
    assert "has what could not be stored and was put aside: 00000000000000000001.aside" in doctor


def test_a_database_whose_mode_was_wrong_is_used_once_it_is_mended(stage, cpa):
    stage.database.chmod(0o400)
    drain, web = stage.drain(), stage.web()
    push(cpa, 100)
    drain.says("The database cannot be used: ")
    until(lambda: stage.waiting and not cpa.queued)
    assert stage.ask("/readyz")[0] == 503
    stage.database.chmod(0o600)
    caught_up(stage, cpa, 100)
    until(lambda: stage.ask("/readyz")[0] == 200)
    assert (drain.stop(), web.stop()) == (0, 0)


def test_a_drain_that_starts_while_the_database_is_locked_takes_records_at_once(stage, cpa):
    push(cpa, 100)
    with locked(stage):
        drain = stage.drain()
        until(lambda: stage.waiting and not cpa.queued, seconds=15)  # it waits 20 s for the lock
    caught_up(stage, cpa, 100)
    assert drain.stop() == 0


def test_a_subscriber_that_was_frozen_leaves_a_gap_from_the_time_it_was_last_read(set_up, cpa):
    stage = set_up(cpa.base_url, cpa.management_key, QUEUE_MODE="subscribe")
    drain = at_work(stage, cpa)
    until(lambda: stage.query("SELECT mode FROM usage_drainstate") == ("subscribe",))
    before = datetime.now(UTC)
    drain.popen.send_signal(signal.SIGSTOP)
    frozen = datetime.now(UTC)
    time.sleep(1.5)
    push(cpa, 20_000, start=10, user_agent="x" * 500)
    until(lambda: not cpa.subscribers)
    drain.popen.send_signal(signal.SIGCONT)
    lost = cpa.dropped
    assert lost > 0
    caught_up(stage, cpa, 20_010 - lost)
    until(lambda: gaps(stage))
    [(start, end, reason, _)] = gaps(stage)
    assert reason.endswith("The drain had not read for a while before, so the subscription may have overflowed.")
    assert before - timedelta(seconds=1) <= start <= frozen
    assert end >= frozen + timedelta(seconds=1.5)
    assert drain.stop() == 0
