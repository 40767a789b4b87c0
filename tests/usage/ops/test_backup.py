"""manage.py backup and restore: a copy made while the database is written, checked, and put back."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from cpa_usage.management.commands.plantasks import periodic_tasks
from tests import PROJECT
from tests.usage.made import NOON, record, stored
from usage import tasks
from usage.models import Event
from usage.ops import backups
from usage.ops.backups import back_up, examine, prune

EVENTS = "SELECT count(*) FROM usage_event"


def query(path, sql):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchone()[0]


def manage(home, *words):
    """Run a command on a database of its own: (exit code, what it said)."""
    env = {
        "PATH": os.environ["PATH"],
        "CPA_BASE_URL": "http://127.0.0.1:1",
        "CPA_MANAGEMENT_KEY": "test-management-key",
        "SQLITE_PATH": str(home / "app.db"),
        "LOG_FILE_ENABLED": "false",
    }
    command = [sys.executable, "manage.py", *map(str, words)]
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a database of its own, migrated and empty."""
    home = tmp_path_factory.mktemp("made")
    assert manage(home, "migrate", "--verbosity=0") == (0, "")
    return home


@pytest.fixture
def home(made, tmp_path):
    """The same for one test: a database with one event."""
    with closing(sqlite3.connect(made / "app.db")) as original, closing(sqlite3.connect(tmp_path / "app.db")) as copy:
        original.backup(copy)
        add_client(copy, b"first")
    return tmp_path


def add_client(database, digest):
    row = "INSERT INTO usage_client (digest, ip, forwarded_for, user_agent) VALUES (?, '', '', '')"
    database.execute(row, [digest])
    database.commit()


CLIENTS = "SELECT count(*) FROM usage_client"


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_backup_holds_all_that_is_committed_and_only_its_owner_reads_it(tmp_path, capsys):
    stored(record(NOON), arrived=NOON)
    umask = os.umask(0o022)
    try:
        call_command("backup", str(tmp_path / "copy.db"))
    finally:
        os.umask(umask)
    copy = tmp_path / "copy.db"
    size = copy.stat().st_size
    assert capsys.readouterr().out == f"{copy} holds the database as of now: {size:,} bytes, checked.\n"
    assert (query(copy, EVENTS), query(copy, "PRAGMA journal_mode"), query(copy, "PRAGMA auto_vacuum")) == (
        1,
        "delete",
        2,
    )
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["copy.db"]
    assert Event.objects.count() == 1


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_backup_does_not_wait_for_a_transaction_that_is_open(tmp_path):
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM usage_client")
        began = time.monotonic()
        back_up(tmp_path / "copy.db")
        assert time.monotonic() - began < 5
        writer.rollback()


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_folder_takes_a_name_made_of_the_time_and_no_file_is_written_over(tmp_path):
    made = back_up(tmp_path)
    assert made.parent == tmp_path
    assert time.strptime(made.name, "cpa-usage-%Y%m%d-%H%M%S.db")
    before = made.read_bytes()
    with pytest.raises(CommandError) as refused:
        call_command("backup", str(made))
    assert str(refused.value) == f"{made} exists: name a file that does not."
    assert made.read_bytes() == before


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_backup_that_cannot_be_written_leaves_nothing(tmp_path):
    target = tmp_path / "missing" / "copy.db"
    with pytest.raises(CommandError, match=f"^{target} cannot be written: .*No such file or directory"):
        call_command("backup", str(target))


def test_what_a_backup_brings_back(home):
    backup = home / "copy.db"
    assert manage(home, "backup", backup)[0] == 0
    with closing(sqlite3.connect(home / "app.db")) as database:
        add_client(database, b"second")
    code, said = manage(home, "restore", backup)
    (replaced,) = home.glob("app.db.replaced-????????-??????")
    assert (code, said) == (
        0,
        f"The database is a copy of {backup} now. Start web, drain and tasks again.\n"
        f"What it was before is kept as {replaced}: delete it when all is well.",
    )
    assert (query(home / "app.db", CLIENTS), query(replaced, CLIENTS), query(backup, CLIENTS)) == (1, 2, 1)
    assert (home / "app.db").stat().st_mode & 0o777 == 0o600
    assert not list(home.glob(".app.db*"))


def test_a_database_that_is_gone_or_damaged_is_brought_back(home):
    backup = home / "copy.db"
    manage(home, "backup", backup)
    (home / "app.db").write_bytes(b"nonsense" * 1000)
    assert manage(home, "restore", backup)[0] == 0
    assert query(home / "app.db", CLIENTS) == 1
    for path in home.glob("app.db*"):
        path.unlink()
    (home / "app.db-wal").write_bytes(b"of the file that is gone")
    sentence = f"The database is a copy of {backup} now. Start web, drain and tasks again."
    assert manage(home, "restore", backup) == (0, sentence)
    assert query(home / "app.db", CLIENTS) == 1


def test_a_backup_of_an_earlier_version_is_brought_up_to_date(home):
    backup = home / "copy.db"
    manage(home, "backup", backup)
    assert manage(home, "migrate", "auth", "0011", "--verbosity=0") == (0, "")
    manage(home, "backup", home / "old.db")
    assert manage(home, "restore", home / "old.db")[0] == 0
    assert query(home / "app.db", "SELECT count(*) FROM django_migrations WHERE app = 'auth' AND name > '0012'") > 0


def broken(path):
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
    path.write_bytes(data)


def newer(path):
    with closing(sqlite3.connect(path)) as copy:
        copy.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('usage', '9999_later', '')")
        copy.commit()


def foreign(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as copy:
        copy.execute("CREATE TABLE other (n)")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (broken, "is damaged"),
        (newer, "is of a newer version (usage.9999_later): install that one first."),
        (foreign, "is no database of cpa-usage: no such table: django_migrations."),
        (lambda path: path.write_text("nonsense"), "cannot be put back: file is not a database."),
        (Path.unlink, "cannot be put back: unable to open database file."),
    ],
    ids=["damaged", "newer", "foreign", "nonsense", "missing"],
)
def test_what_cannot_be_restored_changes_nothing(home, spoil, reason):
    backup = home / "copy.db"
    manage(home, "backup", backup)
    spoil(backup)
    before = {path.name: path.read_bytes() for path in home.glob("app.db")}
    code, said = manage(home, "restore", backup)
    assert code == 1
    assert said.startswith(f"CommandError: {backup} {reason}")
    assert "Traceback" not in said
    assert {path.name: path.read_bytes() for path in home.glob("app.db")} == before
    assert not list(home.glob("app.db.replaced*"))


def test_nothing_is_restored_while_a_drain_runs(home):
    from usage.collector.lock import FileLock

    backup = home / "copy.db"
    manage(home, "backup", backup)
    drain = FileLock(home / "app.db.drain.lock")
    assert drain.acquire()
    refused = (1, "CommandError: A drain is at work on this database: stop web, drain and tasks first.")
    assert manage(home, "restore", backup) == refused
    drain.release()
    assert manage(home, "restore", backup)[0] == 0


def test_nothing_is_restored_while_another_process_has_the_database_open(home):
    backup = home / "copy.db"
    manage(home, "backup", backup)
    with closing(sqlite3.connect(home / "app.db")) as web:
        assert web.execute("SELECT count(*) FROM usage_client").fetchone() == (1,)
        refused = (1, "CommandError: The database is in use: stop web and tasks first.")
        assert manage(home, "restore", backup) == refused
        add_client(web, b"still stored")
    assert not list(home.glob("app.db.replaced*"))
    assert query(home / "app.db", CLIENTS) == 2


def test_postgresql_has_tools_of_its_own(monkeypatch, tmp_path):
    class Elsewhere:
        vendor = "postgresql"

    monkeypatch.setattr(backups, "connection", Elsewhere())
    with pytest.raises(CommandError, match="use pg_dump to back it up"):
        back_up(tmp_path / "copy.db")


def test_old_backups_go_but_never_the_newest(tmp_path):
    names = [f"cpa-usage-202611{day:02}-030000.db" for day in (1, 2, 3)]
    for age, name in zip((30, 20, 10), names, strict=True):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 1_000_000_000 - age * 86_400))
    (tmp_path / "mine.db").touch()
    os.utime(tmp_path / "mine.db", (0, 0))
    assert [path.name for path in prune(tmp_path, 25, 1_000_000_000)] == names[:1]
    assert [path.name for path in prune(tmp_path, 5, 1_000_000_000)] == names[1:2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [names[2], "mine.db"]


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_the_nightly_backup_is_planned_only_where_a_folder_is_named(settings, tmp_path):
    assert "usage.tasks.backup" not in [task.function for task in periodic_tasks()]
    settings.BACKUP_DIR, settings.BACKUP_KEEP = tmp_path / "new" / "folder", 14
    assert "usage.tasks.backup" in [task.function for task in periodic_tasks()]
    done = tasks.backup()
    (made,) = settings.BACKUP_DIR.iterdir()
    assert done == f"{made.name} made, {made.stat().st_size >> 20} MB; 0 old backups removed"
    assert settings.BACKUP_DIR.stat().st_mode & 0o777 == 0o700
    examine(made, made)


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_nightly_backup_removes_drafts_of_killed_ones_but_none_that_is_written(settings, tmp_path):
    settings.BACKUP_DIR = tmp_path
    killed, at_work = (f".cpa-usage-20261123-0300{n}0.db.41{n}" for n in range(2))
    for name in (killed, f"{killed}-journal", ".cpa-usage-notes", "mine.db.7", at_work):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, time.time() - (23 if name == at_work else 25) * 3600))
    tasks.backup()
    left = {path.name for path in tmp_path.iterdir() if not path.name.startswith("cpa-usage-")}
    assert left == {at_work, ".cpa-usage-notes", "mine.db.7"}


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_nightly_backup_that_fails_fails_its_task(settings, tmp_path):
    (tmp_path / "file").touch()
    settings.BACKUP_DIR = tmp_path / "file"
    with pytest.raises(CommandError, match=r"^BACKUP_DIR: .* cannot be made: File exists"):
        tasks.backup()
