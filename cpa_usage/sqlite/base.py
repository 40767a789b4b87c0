"""Django's SQLite backend, except that rows with a key of several columns are kept in the order of that key."""

import contextlib
import sqlite3
import stat
from pathlib import Path

from django.db.backends.sqlite3 import base, schema
from django.db.models import CompositePrimaryKey

# Of each value that is no number and no text sqlite3 asks how it is adapted, and longest where nothing says so.
sqlite3.register_adapter(bool, int)
sqlite3.register_adapter(bytes, bytes)


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Rollups are read by their key: in order of arrival the rows of one question lie on many pages.

    Their migrations name the key's columns first: SQLite's integrity_check up to 3.40 reports errors otherwise.
    """

    def table_sql(self, model):
        sql, parameters = super().table_sql(model)
        clustered = isinstance(model._meta.pk, CompositePrimaryKey)
        return f"{sql} WITHOUT ROWID" if clustered else sql, parameters


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = DatabaseSchemaEditor

    def get_new_connection(self, conn_params):
        """SQLite gives its other files the mode of the database when it makes them: where that was wrong, they follow
        once it is mended.
        """
        database = Path(conn_params["database"])
        with contextlib.suppress(OSError):  # not there, or not ours
            mode = stat.S_IMODE(database.stat().st_mode)
            for log in (Path(f"{database}-shm"), Path(f"{database}-wal")):
                if log.exists() and stat.S_IMODE(log.stat().st_mode) != mode:
                    log.chmod(mode)
        _prepare(database)
        return super().get_new_connection(conn_params)


def _prepare(database: Path):
    """What can be set before the first table alone; asked again later it would wait for the one who writes."""
    if not (database.exists() and database.stat().st_size):
        with contextlib.closing(sqlite3.connect(database)) as made:
            made.executescript("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL")
