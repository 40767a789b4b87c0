"""manage.py movedata: everything to PostgreSQL and back, with a drain at work, killed, resumed and refused."""

import contextlib
import gzip
import json
import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import httpx
import psycopg
import pytest

from simulator import Simulator
from tests import PROJECT
from tests.faults.stage import AT_WORK, Stage, free_port, push
from tests.waiting import until

RECORDS = PROJECT / "tests/golden/records.jsonl.gz"
HELD = "This command waits until a drain works on the new database"
# What is of the processes at work, and not of what they stored.
PASSING = re.compile("usage_lease|usage_drainstate|sqlite_|django_migrations|django_content_type|auth_permission")
SAME = (
    "/api/v1/usage/health?year=2026",
    "/api/v1/usage/analysis?range=all",
    "/api/v1/usage/credentials?range=all",
    "/api/v1/usage/events?range=all&page_size=50",
    "/api/v1/usage/events/filters?range=all",
    "/api/v1/pricing",
    "/api/v1/aliases",
)


@pytest.fixture(scope="module")
def server():
    """The address of a PostgreSQL, without a database's name."""
    if subprocess.run([PROJECT / "scripts/with-postgres", "--available"], check=False).returncode:
        pytest.skip("postgresql is not installed")
    command = [PROJECT / "scripts/with-postgres", "sh", "-c", "echo $TEST_DATABASE_URL; read ended"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip().removesuffix("/postgres")
        process.communicate("\n")


def made(server, name, template="template1") -> str:
    """The address of a new database."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"{server}/{name}"


@pytest.fixture(scope="module")
def tables(server, tmp_path_factory):
    """The name of a database that has all tables and no row of ours."""
    stage = Stage(tmp_path_factory.mktemp("tables"), "http://127.0.0.1:1", "key", DATABASE_URL=made(server, "tables"))
    assert stage.manage("migrate", "--verbosity=0", "--skip-checks").returncode == 0
    return "tables"


@pytest.fixture(scope="module")
def cpa():
    with Simulator(port=free_port(), retention_seconds=3600) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def filled(tmp_path_factory, cpa):
    """A SQLite file with a usage of every kind, stored by a drain."""
    stage = Stage(tmp_path_factory.mktemp("filled"), cpa.base_url, cpa.management_key, USAGE_RETENTION_DAYS="0")
    assert stage.manage("migrate", "--verbosity=0", "--skip-checks").returncode == 0
    drain = stage.drain()
    with gzip.open(RECORDS) as file:
        cpa.push_many(line.partition(b" ")[2] for line in file.read().splitlines()[::4])
    push(cpa, 100, fail={"status_code": 500, "body": "busy \x00 忙"}, failed=True)
    until(lambda: stage.stored > 100 and not cpa.queued and not stage.waiting)
    assert drain.stop() == 0
    return stage.database


@pytest.fixture
def stage(tmp_path, filled, cpa):
    stage = Stage(tmp_path, cpa.base_url, cpa.management_key, USAGE_RETENTION_DAYS="0")
    shutil.copy(filled, stage.database)
    yield stage
    stage.end()


def on(stage, **variables) -> Stage:
    """The same installation with another database."""
    other = Stage(stage.home, stage.base_url, stage.key, **(stage.variables | variables))
    other.running = stage.running
    return other


def move(stage, to, **variables):
    """Begin to move; the address is in no list of processes."""
    return on(stage, MOVE_TO_URL=to, **variables).start("web", "manage.py", "movedata")


def ask(url, query):
    """The first value that a PostgreSQL answers; None where there is no such table yet."""
    with contextlib.suppress(psycopg.errors.UndefinedTable), psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]
    return None


def answers(stage) -> bool:
    """Whether its web server does."""
    with contextlib.suppress(httpx.TransportError):
        return stage.ask("/healthz")[0] == 200
    return False


def content(path) -> list[str]:
    """All that a SQLite file holds, a row a text, in an order that is always the same."""
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        kept = [name for name in names if not PASSING.match(name)]
        return sorted(f"{name} {plain(row)}" for name in kept for row in database.execute(f'SELECT * FROM "{name}"'))


def plain(row) -> list:
    """A row with its JSON read: PostgreSQL keeps its fields in another order."""
    return [
        json.dumps(json.loads(value), sort_keys=True) if isinstance(value, str) and value[:1] == "{" else value
        for value in row
    ]


def test_a_move_under_a_drain_at_work_loses_no_record(stage, cpa, server):
    postgres = made(server, "empty")
    before, drain, web = stage.stored, stage.drain(), stage.web()
    drain.says(AT_WORK)
    push(cpa, 200)
    until(lambda: stage.stored > before)
    moving = move(stage, postgres, FORCE_COLOR="1")  # as if it wrote to a terminal
    for first in range(200, 2200, 100):
        push(cpa, 100, start=first)
    moving.says(HELD)
    push(cpa, 300, start=2200)
    until(lambda: stage.spooled and stage.stored + stage.spooled == before + 2500)
    held, stored = content(stage.database), stage.stored
    assert ask(postgres, "SELECT count(*) FROM usage_event") == stored < before + 2500
    new = on(stage, DATABASE_URL=postgres)
    new_web = new.web()
    until(lambda: answers(new))
    assert {path: new.ask(path) for path in SAME} == {path: stage.ask(path) for path in SAME}
    drain.popen.kill()  # as it would end by itself, but for what it waits for the old database
    drain = new.drain()
    assert moving.popen.wait(60) == 0
    push(cpa, 100, start=2500)
    until(lambda: ask(postgres, "SELECT count(*) FROM usage_event") == before + 2600 and not stage.waiting)
    assert (drain.stop(), web.stop(), new_web.stop()) == (0, 0, 0)
    proof = new.manage("verify")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    assert content(stage.database) == held
    assert "tests@" not in moving.log
    assert re.search(r"usage_\w+, of [\d,]{5,} rows", moving.log)


def test_a_killed_move_goes_on_and_what_comes_back_is_the_same(stage, cpa, server, tables):
    postgres = made(server, "killed", tables)
    new = on(stage, DATABASE_URL=postgres)
    with psycopg.connect(postgres) as connection:
        connection.execute("LOCK TABLE usage_duration IN SHARE MODE")  # it cannot be written to
        moving = move(stage, postgres)
        until(lambda: ask(postgres, "SELECT count(*) FROM usage_labelday"))
        moving.popen.kill()
    first = "SELECT xmin::text FROM usage_event ORDER BY timestamp LIMIT 1"  # the transaction that wrote it
    written = ask(postgres, first)
    with closing(sqlite3.connect(stage.database)) as database:  # in the midst, on a day that gets no other event
        half = "SELECT id FROM usage_event ORDER BY timestamp LIMIT 1 OFFSET (SELECT count(*) / 2 FROM usage_event)"
        database.execute(f"UPDATE usage_event SET imported = 7 WHERE id = ({half})")
        database.commit()
    drain = stage.drain()
    push(cpa, 50, start=5000)
    until(lambda: not cpa.queued and not stage.waiting)
    assert drain.stop() == 0
    held = content(stage.database)
    moving = move(stage, postgres)
    moving.says(HELD)
    moving.popen.send_signal(signal.SIGINT)
    assert moving.popen.wait(60) == 1 and "Traceback" not in moving.log
    assert ask(postgres, first) == written
    moving = move(new, f"sqlite:///{stage.data / 'back.db'}")
    moving.says("SQLITE_PATH=")
    assert content(stage.data / "back.db") == held == content(stage.database)


def test_postgresql_takes_no_record_while_it_is_moved(stage, cpa, server, tables):
    postgres, back = made(server, "held", tables), stage.data / "back.db"
    new = on(stage, DATABASE_URL=postgres)
    drain = new.drain()
    drain.says(AT_WORK)
    moving = move(new, f"sqlite:///{back}")
    moving.says(HELD)
    push(cpa, 100)
    until(lambda: stage.spooled == 100)
    drain.popen.kill()
    drain = on(stage, SQLITE_PATH=str(back)).drain()
    assert moving.popen.wait(60) == 0
    until(lambda: not stage.waiting)
    assert drain.stop() == 0
    assert ask(postgres, "SELECT count(*) FROM usage_event") == 0
    with closing(sqlite3.connect(back)) as database:
        assert database.execute("SELECT count(*) FROM usage_event").fetchone() == (100,)


def test_a_copy_of_what_takes_records_again_takes_none(stage, cpa, server, tables):
    postgres, before = made(server, "cut_off", tables), stage.stored
    new, drain = on(stage, DATABASE_URL=postgres), stage.drain()
    drain.says(AT_WORK)
    moving = move(stage, postgres)
    moving.says(HELD)
    push(cpa, 100)
    moving.popen.kill()
    until(lambda: stage.stored == before + 100)
    assert drain.stop() == 0
    drain = new.drain()
    drain.says("This database is the copy of another one")
    push(cpa, 100, start=100)
    until(lambda: not cpa.queued and stage.waiting)
    moving = move(stage, postgres)
    assert moving.popen.wait(60) == 0
    until(lambda: ask(postgres, "SELECT count(*) FROM usage_event") == before + 200 and not stage.waiting)
    assert drain.stop() == 0


def test_a_terminal_that_is_lost_lets_nothing_go(stage, server):
    postgres = made(server, "lost")
    ours, theirs = pty.openpty()
    command = [sys.executable, "manage.py", "movedata"]
    moving = subprocess.Popen(
        command, cwd=PROJECT, env=on(stage, MOVE_TO_URL=postgres).env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.close(ours)
    try:
        counted = "SELECT count(*) FROM usage_event"
        until(lambda: ask(postgres, counted) == stage.stored and ask(postgres, "SELECT count(*) FROM usage_drainstate"))
        time.sleep(2)  # in which it would say that all is there
        assert moving.poll() is None
        with closing(sqlite3.connect(stage.database, timeout=1)) as old, pytest.raises(sqlite3.OperationalError):
            old.execute("BEGIN IMMEDIATE")
    finally:
        moving.kill()
        moving.wait()


def test_what_cannot_be_moved_is_refused_in_a_sentence(stage):
    def refused(to):
        done = stage.manage("movedata", "--to", to)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert "tests@" not in done.stderr
        return done.stderr

    assert "Name a file in" in refused("sqlite:////tmp/elsewhere.db")
    assert "in use, there are rows in" in refused(f"sqlite:///{stage.database}")
    theirs = stage.database.parent / "theirs.db"
    with closing(sqlite3.connect(theirs)) as database, database:
        database.execute("CREATE TABLE auth_user (id integer PRIMARY KEY, username text)")
        database.execute("INSERT INTO auth_user VALUES (1, 'theirs')")
    assert "in use, there are rows in auth_user" in refused(f"sqlite:///{theirs}")
    with closing(sqlite3.connect(theirs)) as database:
        assert database.execute("SELECT username FROM auth_user").fetchall() == [("theirs",)]
    assert "no PostgreSQL address" in refused("mysql://cpa:tests@127.0.0.1/x")
    assert "Not moved: " in refused(f"postgres://cpa:tests@127.0.0.1:{free_port()}/x")
