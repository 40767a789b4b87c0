"""Only one drain works on a database, and only one on a spool: the locks that it holds.

When a drain dies, the kernel or PostgreSQL releases them.
"""

import contextlib
import fcntl
import os
from pathlib import Path

from django.db import Error, OperationalError, connection

ADVISORY_KEY = 0x6370_612D_7573_6167  # any number that no other program takes; "cpa-usag" in ASCII


class DrainLock:
    """The right to read into the spool of `directory` and to store it in the database."""

    def __init__(self, directory: Path):
        self._spool = FileLock(Path(directory) / "drain.lock")
        if connection.vendor == "postgresql":
            self._database = SessionLock()
        else:
            self._database = FileLock(Path(f"{connection.settings_dict['NAME']}.drain.lock"))

    def acquire(self) -> bool:
        """Acquire the lock, or make sure that it is still ours; False while another drain holds it.

        Raises django.db.Error when the database cannot be asked.
        """
        # In this order everywhere: a drain without a database still may not share another's spool.
        if not self._spool.acquire():
            return False
        try:
            return self._database.acquire()
        except OSError as error:  # where the file next to a SQLite database cannot be made, it cannot be used either
            raise OperationalError(f"{self._database.path} cannot be opened: {error.strerror}") from None

    def release(self):
        """Let another drain have it."""
        self._database.release()
        self._spool.release()


class FileLock:
    """A lock on a file of this machine."""

    def __init__(self, path: Path):
        self.path, self._handle = path, None

    def acquire(self) -> bool:
        """Whether it is ours now."""
        if self._handle is None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(handle)
                if isinstance(error, BlockingIOError):
                    return False
                raise
            self._handle = handle
        return True

    def release(self):
        """Let another process have it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class SessionLock:
    """An advisory lock of PostgreSQL, held by a session of its own that does nothing else."""

    def __init__(self):
        self._session, self._held = connection.copy("drain_lock"), False

    def acquire(self) -> bool:
        """Whether it is ours now. Raises django.db.Error."""
        if self._held:
            with contextlib.suppress(Error):
                return self._query("SELECT true")
        self.release()  # the session was closed, and with it the lock
        self._held = self._query(f"SELECT pg_try_advisory_lock({ADVISORY_KEY})")
        return self._held

    def release(self):
        """Close the session, and with it the lock."""
        self._held = False
        self._session.close()

    def _query(self, sql: str) -> bool:
        with self._session.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]
