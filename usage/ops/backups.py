"""Copies of the SQLite file: made while everything runs, checked, and put back. PostgreSQL has pg_dump."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

PREFIX, SUFFIX = "cpa-usage-", ".db"  # of the names of nightly backups; other files in the folder are left alone
BESIDE = ("", "-wal", "-shm")


class Useless(Exception):
    """A file that is no backup, or cannot be made one; the text says why."""


def back_up(target: Path) -> Path:
    """A copy of the database as of now at `target`, or under a name made of the time when that is a folder.

    The copy is whole and checked when its name appears. Nobody waits for it: it reads one snapshot. Raises Useless.
    """
    target = _named(target) if target.is_dir() else target
    if target.exists():
        raise Useless(f"{target} exists: name a file that does not.")
    try:
        with _draft(target) as draft:
            _copy(_database(), draft)
            examine(draft, target)
            draft.rename(target)
            _sync(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise Useless(f"{target} cannot be written: {error}.") from None
    return target


def examine(path: Path, name: Path):
    """Raises Useless, about `name`, unless the file is a sound database of cpa-usage that this version can read."""
    try:
        with contextlib.closing(_opened(path)) as copy:
            words = [word for (word,) in copy.execute("PRAGMA integrity_check(3)")]
            applied = set(copy.execute("SELECT app, name FROM django_migrations"))
    except sqlite3.OperationalError as error:  # such as: no such table
        raise Useless(f"{name} is no database of cpa-usage: {error}.") from None
    except sqlite3.DatabaseError as error:
        raise Useless(f"{name} is damaged, or no SQLite file: {error}.") from None
    if words != ["ok"]:
        raise Useless(f"{name} is damaged: {words[0]}.")
    if ("usage", "0001_initial") not in applied:
        raise Useless(f"{name} is no database of cpa-usage.")
    known = set(MigrationLoader(None).disk_migrations)
    if later := [key for key in applied - known if key[0] in {app for app, _ in known}]:
        raise Useless(f"{name} is of a newer version ({'.'.join(min(later))}): install that one first.")


def put_back(source: Path) -> Path | None:
    """Let the database be a copy of `source`, and keep the one it replaces; returns that one's path.

    The caller sees to it that no drain runs. Other processes go over to the new file with their next request.
    Raises Useless, with nothing changed.
    """
    database = _database()
    try:
        with _draft(database) as draft:
            _copy(source, draft)
            examine(draft, source)
            connection.close()
            replaced = _move_away(database)
            draft.rename(database)
            _sync(database.parent)
    except (sqlite3.Error, OSError) as error:
        raise Useless(f"{source} cannot be put back: {error}.") from None
    return replaced


def prune(folder: Path, days: int, now: float) -> list[Path]:
    """Remove nightly backups older than so many days, but never the newest; returns what went."""
    found = sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))
    old = [path for path in found[:-1] if path.stat().st_mtime < now - days * 86_400]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def nightly() -> str:
    """Back up into BACKUP_DIR and remove backups older than BACKUP_KEEP days. Returns what it did; raises Useless."""
    folder = settings.BACKUP_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Useless(f"BACKUP_DIR: {folder} cannot be made: {error.strerror}.") from None
    made = back_up(folder)
    gone = prune(folder, settings.BACKUP_KEEP, time.time())
    return f"{made.name} made, {made.stat().st_size >> 20} MB; {len(gone)} old backups removed"


def _named(folder: Path) -> Path:
    return folder / f"{PREFIX}{_now()}{SUFFIX}"


def _now() -> str:
    return f"{timezone.localtime():%Y%m%d-%H%M%S}"


def _database() -> Path:
    if connection.vendor != "sqlite":
        raise Useless("The database is PostgreSQL: use pg_dump to back it up, and pg_restore to put it back.")
    return Path(connection.settings_dict["NAME"])


@contextlib.contextmanager
def _draft(target: Path):
    """A name beside `target`, of an empty file that only this user may read; gone afterwards, if it is still there."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
    finally:
        for suffix in (*BESIDE, "-journal"):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _copy(source: Path, target: Path):
    """SQLite's online backup; the copy is one file, without a log beside it, and on the disk."""
    with (
        contextlib.closing(_opened(source)) as original,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    handle = os.open(target, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=20)


def _move_away(database: Path) -> Path | None:
    """Give the database and its log another name; whoever has them open goes on with both until it looks again."""
    if not database.exists():
        for suffix in BESIDE[1:]:  # a log without its database would be taken for the new one's
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        return None
    replaced = database.with_name(f"{database.name}.replaced-{_now()}")
    for suffix in BESIDE:
        part = database.with_name(database.name + suffix)
        if part.exists():
            part.rename(replaced.with_name(replaced.name + suffix))
    return replaced


def _sync(folder: Path):
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
