"""An upgrade is killed, or has no room: all is as before, and the next try ends well. Half migrated is never used."""

import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests import PROJECT
from tests.faults.stage import AT_WORK, caught_up, push
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough

CACHED = {"provider": "claude", "executor_type": "ClaudeExecutor", "tokens": {"cache_creation": 40}}
REFUSED = "CommandError: The database cannot be migrated, and is as it was: disk I/O error\n"
FIRST = (("usage", "0001"), ("pricing", "0001"))  # before the rules of the bill
# Migrates, and kills itself before the statement that notes so many migrations, or with 0 never.
MIGRATE_AND_DIE = """
import os, signal, sys, django
django.setup()
from django.core.management import call_command
from django.db import connection

left = int(sys.argv[1])

def watch(execute, sql, *rest):
    global left
    if sql.startswith('INSERT INTO "django_migrations"'):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, *rest)

with connection.execute_wrapper(watch):
    call_command("migrate", verbosity=0, skip_checks=True)
"""


def migrated_until(stage, number):
    """Migrate in a process that kills itself before it notes migration `number`; its exit status."""
    command = [sys.executable, "-c", MIGRATE_AND_DIE, str(number)]
    return subprocess.run(command, cwd=PROJECT, env=stage.env, capture_output=True, check=False).returncode


def back_to(stage, *targets):
    for app, name in targets:
        done = stage.manage("migrate", app, name, "--verbosity=0", "--skip-checks")
        assert done.returncode == 0, done.stderr


def change(stage, sql):
    with closing(sqlite3.connect(stage.database)) as database, database:
        database.execute(sql)


def look(stage):
    """The tables with their columns, the migrations noted, and the totals."""
    with closing(sqlite3.connect(stage.database)) as database:
        return (
            database.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall(),
            database.execute("SELECT app, name FROM django_migrations ORDER BY 1, 2").fetchall(),
            database.execute("SELECT sum(requests), sum(total), sum(cost) FROM usage_day").fetchone(),
            database.execute("PRAGMA integrity_check").fetchone(),
        )


@pytest.fixture
def old(stage, cpa):
    """A stage with 5,000 records in a database of the first version, and nothing running."""
    push(cpa, 5000, **CACHED)
    drain = stage.drain()
    until(lambda: stage.stored == 5000)
    assert drain.stop() == 0
    back_to(stage, *FIRST)
    change(stage, "VACUUM")
    return stage


def goes_on(stage, cpa):
    """The upgrade is done: it drains, and all is proved."""
    drain = stage.drain()
    drain.says(AT_WORK)
    assert stage.manage("rebuildrollups", "--verbosity=0").returncode == 0  # as the guide says
    push(cpa, 100, start=5000, **CACHED)
    caught_up(stage, cpa, 5100)
    assert drain.stop() == 0


def test_an_upgrade_that_is_killed_changes_nothing(old, cpa, soak):
    before = look(old)
    for number in range(1, 10) if soak else (1, 3, 4):
        assert migrated_until(old, number) == -signal.SIGKILL
        assert look(old) == before
    assert migrated_until(old, 0) == 0
    goes_on(old, cpa)


def test_a_first_start_that_is_killed_can_be_repeated(stage):
    """Most of its migrations make tables, which Django notes only after it has committed them."""
    stage.database.unlink()
    for number in (1, 2, 20):
        assert migrated_until(stage, number) == -signal.SIGKILL
    assert migrated_until(stage, 0) == 0
    assert stage.manage("migrate", "--check", "--skip-checks").returncode == 0


def test_an_upgrade_without_room_changes_nothing(old, cpa):
    before, most = look(old), old.database.stat().st_size // 4
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=old.env,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert (done.returncode, done.stderr) == (1, REFUSED)
    assert look(old) == before
    assert migrated_until(old, 0) == 0
    goes_on(old, cpa)


def test_a_half_migrated_database_is_never_used(stage, cpa):
    back_to(stage, ("usage", "0005"))  # what is missing then, the writer would not miss
    drain, web = stage.drain(), stage.web()
    tasks = stage.start("tasks", "manage.py", "qcluster")
    push(cpa, 100)
    drain.says("The database cannot be used: The database is not up to date, ")
    until(lambda: stage.waiting and not cpa.queued)
    tasks.says("No task is begun: The database is not up to date, ")
    reply = stage.ask("/readyz")
    assert reply[0] == 503
    assert reply[1]["reason"].endswith(" migrations are missing: run manage.py migrate.")
    with stage.client() as client:
        assert client.put("/api/v1/aliases", json={"api_key": "sk-1", "alias": "one"}).status_code == 503
    assert (stage.stored, stage.query("SELECT count(*) FROM aliases_apikey")) == (0, (0,))
    assert migrated_until(stage, 0) == 0
    caught_up(stage, cpa, 100)
    until(lambda: stage.ask("/readyz")[0] == 200)
    later(stage, cpa, drain)
    assert [process.stop() for process in (drain, web, tasks)] == [0, 0, 0]


def later(stage, cpa, drain):
    """A newer version migrates, under a drain that goes on working: it sees that at its next report."""
    change(stage, "INSERT INTO django_migrations (app, name, applied) VALUES ('usage', '9999_next', '2026-01-01')")
    drain.says("The database is of a newer version (usage.9999_next): install that one.")
    push(cpa, 100, start=100)
    until(lambda: stage.waiting and not cpa.queued)
    assert stage.stored == 100
    assert stage.ask("/readyz")[1]["reason"].endswith("is of a newer version (usage.9999_next): install that one.")
    change(stage, "DELETE FROM django_migrations WHERE name = '9999_next'")
    caught_up(stage, cpa, 200)
