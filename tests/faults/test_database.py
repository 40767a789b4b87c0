"""The database goes away under a running drain and web server: records wait on disk, all say so, and all catch up."""

import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from tests.faults.stage import AT_WORK, caught_up, push
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough
MEGABYTE = 1024 * 1024


@pytest.fixture
def drain(stage, cpa):
    """A drain at work that has stored ten records."""
    process = stage.drain()
    process.says(AT_WORK)
    push(cpa, 10)
    until(lambda: stage.stored == 10)
    return process


def test_a_locked_database(stage, cpa, drain, soak):
    seconds = 30 if soak else 2
    with closing(sqlite3.connect(stage.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        push(cpa, 500, start=10)
        until(lambda: stage.waiting and not cpa.queued)  # taken from CPA all the same
        time.sleep(seconds)
        push(cpa, 500, start=510)
        until(lambda: not cpa.queued)
        assert stage.stored == 10
        other.rollback()
    caught_up(stage, cpa, 1010)
    assert not soak or "The database cannot be used: database is locked" in drain.log
    assert drain.stop() == 0


def test_a_missing_database_is_reported_and_a_restored_one_is_used(stage, cpa, tmp_path):
    push(cpa, 10)
    drain = stage.drain()
    until(lambda: stage.stored == 10)
    assert drain.stop() == 0
    assert stage.manage("backup", tmp_path / "backup.db").returncode == 0
    for path in stage.data.glob("app.db*"):
        path.unlink()
    drain, web = stage.drain(), stage.web()
    push(cpa, 100, start=10)
    drain.says("The database cannot be used: ")
    until(lambda: stage.waiting and not cpa.queued)
    missing = "The database is empty or of another version: run manage.py migrate."
    assert stage.ask("/api/v1/status") == (503, {"error": missing})
    code, page = stage.ask("/")
    assert (code, missing in page, "Traceback" in page) == (503, True, False)
    assert stage.ask("/readyz") == (503, {"status": "unready", "reason": missing})
    assert stage.ask("/healthz") == (200, {"status": "ok"})
    assert (drain.stop(), web.stop()) == (0, 0)
    assert stage.manage("restore", tmp_path / "backup.db").returncode == 0
    drain, web = stage.drain(), stage.web()
    caught_up(stage, cpa, 110)
    assert stage.ask("/api/v1/status")[1]["total_inserted"] == 110
    assert (drain.stop(), web.stop()) == (0, 0)


def test_a_damaged_database_is_reported_and_a_restored_one_is_used(stage, cpa, tmp_path):
    sound = shutil.copy(stage.database, tmp_path / "sound.db")
    stage.database.write_bytes(b"\xff" * stage.database.stat().st_size)
    drain, web = stage.drain(), stage.web()
    push(cpa, 100)
    drain.says("The database cannot be used: file is not a database")
    until(lambda: stage.waiting and not cpa.queued)
    damaged = "The database is damaged: restore a backup (manage.py restore)."
    assert stage.ask("/api/v1/usage/overview") == (503, {"error": damaged})
    assert stage.ask("/readyz")[1]["reason"] == damaged
    code, page = stage.ask("/")
    assert (code, damaged in page) == (503, True)
    assert (drain.stop(), web.stop()) == (0, 0)
    assert stage.manage("restore", sound).returncode == 0
    drain, web = stage.drain(), stage.web()
    caught_up(stage, cpa, 100)
    assert stage.ask("/api/v1/usage/overview")[1]["summary"]["total"] == 100
    assert (drain.stop(), web.stop()) == (0, 0)


def test_a_folder_that_may_only_be_read(stage, cpa):
    stage.database.chmod(0o400)
    stage.data.chmod(0o500)
    drain, web = stage.drain(), stage.web()
    push(cpa, 100)
    drain.says("The database cannot be used: ")
    until(lambda: stage.waiting and not cpa.queued)
    assert stage.ask("/readyz")[0] == 503
    stage.data.chmod(0o700)
    stage.database.chmod(0o600)
    caught_up(stage, cpa, 100)
    until(lambda: stage.ask("/readyz")[0] == 200)
    assert stage.ask("/api/v1/status")[1]["total_inserted"] == 100
    assert (drain.stop(), web.stop()) == (0, 0)


def test_a_full_disk_of_the_database(tmp_path, migrated, set_up, cpa, small_disk):
    disk = small_disk(tmp_path / "data")
    stage = set_up(cpa.base_url, cpa.management_key, REDIS_QUEUE_BATCH_SIZE="100")
    drain = stage.drain()
    drain.says(AT_WORK)
    push(cpa, 10)
    until(lambda: stage.stored == 10)
    disk.fill(drain, limit=128 * 1024)  # less than the database has, more than a batch in the spool
    push(cpa, 3000, start=10)
    drain.says("The database cannot be used: " + ("database or disk is full" if disk.mounted else "disk I/O error"))
    until(lambda: stage.waiting and not cpa.queued)
    disk.free(drain)
    caught_up(stage, cpa, 3010)
    assert drain.stop() == 0


def test_a_spool_that_is_full_stops_popping_and_goes_on_by_itself(set_up, cpa):
    stage = set_up(cpa.base_url, cpa.management_key, SPOOL_MAX_BYTES=str(MEGABYTE), REDIS_QUEUE_BATCH_SIZE="100")
    drain = stage.drain()
    drain.says(AT_WORK)
    with closing(sqlite3.connect(stage.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        push(cpa, 4000, user_agent="x" * 500)
        drain.says("The spool is full")
        assert MEGABYTE <= stage.waiting <= 2 * MEGABYTE
        assert cpa.queued > 1000
        other.rollback()
    caught_up(stage, cpa, 4000)
    assert drain.stop() == 0


def test_a_spool_that_cannot_be_used_is_one_sentence(stage):
    stage.spool.mkdir(mode=0o500)
    drain = stage.drain()
    assert until(drain.popen.poll) == 1
    stage.spool.chmod(0o700)
    assert "CommandError: The spool cannot be used: [Errno 13] Permission denied: " in drain.log
    assert "Traceback" not in drain.log
