"""Copies of the SQLite file: made while everything runs, checked, and put back. PostgreSQL has pg_dump.

What cannot be done raises CommandError, which says why.
"""

import os
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from cpa_usage.database.versions import newer_than_known
from usage.collector.spool import sync
from usage.time.units import DAY_S

PREFIX, SUFFIX = "cpa-usage-", ".db"  # of the names of nightly backups; other files in the folder are left alone
LOGS = ("-wal", "-shm")  # SQLite's log of a database and the index of that log: the name of the database, and this


def back_up(target: Path) -> Path:
    """A copy of the present database at `target`, or under a name made of the time when that is a folder.

    The copy is whole and checked when its name appears. It is made from one snapshot, and blocks no writer.
    """
    target = target / f"{PREFIX}{_time()}{SUFFIX}" if target.is_dir() else target
    if target.exists():
        raise CommandError(f"{target} exists: name a file that does not.")
    try:
        with _draft(target) as draft:
            _copy(_database(), draft, target)
            draft.rename(target)
            sync(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise CommandError(f"{target} cannot be written: {error}.") from None
    return target


def examine(path: Path, name: Path):
    """Raises CommandError, about `name`, unless the file is a sound database of cpa-usage of a version we can read."""
    try:
        with closing(_opened(path)) as copy:
            ((verdict,), *_) = copy.execute("PRAGMA integrity_check(3)")
            applied = set(copy.execute("SELECT app, name FROM django_migrations"))
    except sqlite3.OperationalError as error:  # such as: no such table
        raise CommandError(f"{name} is no database of cpa-usage: {error}.") from None
    except sqlite3.DatabaseError as error:
        raise CommandError(f"{name} is damaged, or no SQLite file: {error}.") from None
    if verdict != "ok":
        raise CommandError(f"{name} is damaged: {verdict}.")
    if ("usage", "0001_initial") not in applied:
        raise CommandError(f"{name} is no database of cpa-usage.")
    if newer := newer_than_known(applied):
        raise CommandError(f"{name} is of a newer version ({'.'.join(min(newer))}): install that one first.")


def put_back(source: Path) -> Path | None:
    """Replace the database by a copy of `source`. Returns the path under which the replaced one is kept, if any.

    No process may have the database open: it would go on with the replaced file. The caller holds the drain's lock;
    connections of web and tasks are looked for here. After a CommandError nothing is changed.
    """
    database = _database()
    try:
        with _draft(database) as draft:
            _copy(source, draft, source)
            connection.close()
            _refuse_while_open(database)
            replaced = _move_away(database)
            draft.rename(database)
            sync(database.parent)
    except (sqlite3.Error, OSError) as error:
        raise CommandError(f"{source} cannot be put back: {error}.") from None
    return replaced


def prune(folder: Path, days: int, now: float) -> list[Path]:
    """Remove nightly backups older than so many days, but never the newest; returns the removed ones."""
    found = sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))
    old = [path for path in found[:-1] if path.stat().st_mtime < now - days * DAY_S]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def nightly() -> str:
    """Back up into BACKUP_DIR and remove backups older than BACKUP_KEEP days. Returns what it did."""
    folder = settings.BACKUP_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CommandError(f"BACKUP_DIR: {folder} cannot be made: {error.strerror}.") from None
    _drop_drafts(folder, time.time() - DAY_S)  # first, for the new one may need their room
    made = back_up(folder)
    removed = prune(folder, settings.BACKUP_KEEP, time.time())
    return f"{made.name} made, {made.stat().st_size >> 20} MB; {len(removed)} old backups removed"


def _drop_drafts(folder, before):
    """Remove drafts of backups that were killed; those written since a moment may be of a process that is at work."""
    for draft in folder.glob(f".{PREFIX}*{SUFFIX}.[0-9]*"):
        with suppress(FileNotFoundError):  # it became a backup meanwhile
            if draft.stat().st_mtime < before:
                draft.unlink()


def _time():
    return f"{timezone.localtime():%Y%m%d-%H%M%S}"


def _database():
    if connection.vendor != "sqlite":
        raise CommandError("The database is PostgreSQL: use pg_dump to back it up, and pg_restore to put it back.")
    return Path(connection.settings_dict["NAME"])


@contextmanager
def _draft(target):
    """A hidden empty file in the folder of `target` that only this user may read; deleted unless it was renamed."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
    finally:
        for suffix in ("", *LOGS, "-journal"):
            Path(f"{draft}{suffix}").unlink(missing_ok=True)


def _copy(source, target, name):
    """SQLite's online backup, examined; the copy is one file without a log, and flushed to the disk."""
    with closing(_opened(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    sync(target)
    examine(target, name)


def _opened(path):
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=20)


def _refuse_while_open(database):
    """SQLite leaves WAL mode only while no other connection is open. A damaged database cannot be asked."""
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=1)) as ours:
            ours.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise CommandError("The database is in use: stop web and tasks first.") from None


def _move_away(database):
    """Rename the database and its log."""
    if not database.exists():
        for suffix in LOGS:  # a log without its database would be taken for the new one's
            Path(f"{database}{suffix}").unlink(missing_ok=True)
        return None
    replaced = Path(f"{database}.replaced-{_time()}")
    for suffix in ("", *LOGS):
        if (part := Path(f"{database}{suffix}")).exists():
            part.rename(f"{replaced}{suffix}")
    return replaced
