"""Exactly one drain writes: who holds the seat does. When its holder dies, the kernel or the database frees it."""

import contextlib
import fcntl
import os
from pathlib import Path

from django.db import Error, OperationalError, connection

ADVISORY_KEY = 0x6370_612D_7573_6167  # any number no other program takes; "cpa-usag" in ASCII


class Seat:
    """The right to read into the spool of `directory` and to store it in the database."""

    def __init__(self, directory: Path):
        spool = FileLock(Path(directory) / "drain.lock")
        if connection.vendor == "postgresql":
            database = SessionLock()
        else:
            database = DatabaseFileLock(Path(f"{connection.settings_dict['NAME']}.drain.lock"))
        # In this order everywhere: a drain without a database still may not share another's spool.
        self._locks = [spool, database]

    def take(self) -> bool:
        """Take the seat, or make sure that it is still ours; False while another drain has it.

        Raises django.db.Error when the database cannot be asked.
        """
        return all(lock.take() for lock in self._locks)

    def leave(self):
        """Let another drain have it."""
        for lock in reversed(self._locks):
            lock.leave()


class FileLock:
    """A lock on a file of this machine."""

    def __init__(self, path: Path):
        self._path, self._handle = path, None

    def take(self) -> bool:
        if self._handle is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            self._handle = handle
        return True

    def leave(self):
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class DatabaseFileLock(FileLock):
    """The same beside the database: where it cannot be made, the database cannot be used either."""

    def take(self) -> bool:
        try:
            return super().take()
        except OSError as error:
            raise OperationalError(f"{self._path} cannot be opened: {error.strerror}") from None


class SessionLock:
    """An advisory lock of PostgreSQL, held by a session of its own that does nothing else."""

    def __init__(self):
        self._session, self._held = connection.copy("drain_seat"), False

    def take(self) -> bool:
        if self._held:
            with contextlib.suppress(Error):
                return self._ask("SELECT true")
        self.leave()  # the session was cut, and with it the lock
        self._held = self._ask(f"SELECT pg_try_advisory_lock({ADVISORY_KEY})")
        return self._held

    def leave(self):
        self._held = False
        self._session.close()

    def _ask(self, question) -> bool:
        with self._session.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchone()[0]
