"""Django's SQLite backend for a file that may be deleted or replaced by a backup while processes have it open.

An open file lives on without its name: what is committed to it then is gone with the process. So every transaction
begins and ends with a look at whether the name still leads to the open file, and a file that was there is not made
anew as an empty one.
"""

import os

from django.db.backends.sqlite3 import base
from django.db.backends.sqlite3.base import Database

from cpa_usage.sqlite.schema import DatabaseSchemaEditor

_seen: set[str] = set()  # files this process had open


class DatabaseWrapper(base.DatabaseWrapper):
    """CONN_HEALTH_CHECKS makes every request ask is_usable(), so that readers go over to the new file by themselves."""

    SchemaEditorClass = DatabaseSchemaEditor

    def get_new_connection(self, conn_params):
        """Open the file; raises OperationalError when it was there before and is gone."""
        path = str(conn_params["database"])
        if path in _seen and not os.path.exists(path):
            raise Database.OperationalError(f"the database file {path} is gone")
        connection = super().get_new_connection(conn_params)
        self._opened = _identity(path)
        if self._opened:
            _seen.add(path)
        return connection

    def is_usable(self):
        """Whether the name still leads to the open file."""
        return self._opened is None or _identity(self.settings_dict["NAME"]) == self._opened

    def _start_transaction_under_autocommit(self):
        self._refuse_another_file()
        super()._start_transaction_under_autocommit()

    def _commit(self):
        self._refuse_another_file()
        return super()._commit()

    def _refuse_another_file(self):
        if self.connection is not None and not self.is_usable():
            self.errors_occurred = True  # the next request opens the new file
            with self.wrap_database_errors:
                raise Database.OperationalError(f"the database file {self.settings_dict['NAME']} was replaced")


def _identity(path) -> tuple[int, int] | None:
    """What tells one file from another of the same name; None for no file, such as a database in memory."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
