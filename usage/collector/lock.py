"""Only one drain works on a database, and only one on a spool: the locks that it holds.

When a drain dies, the kernel releases a lock on a file, and the right in a row of PostgreSQL lapses within seconds.
"""

import contextlib
import fcntl
import os
import time
from pathlib import Path
from uuid import uuid4

from django.db import Error, OperationalError, connection, transaction

from usage.collector.service import is_held
from usage.models import DrainState, LockLost

RENEW_SECONDS = 2
SHARED_SECONDS = 600  # after another drain was met, for which it may have popped what we miss
# A drain whose machine or network is gone may have left a transaction, which holds the row: the server ends it, also
# one that waits for the rest of a COPY.
LEFT_ALONE = """
SELECT set_config('idle_in_transaction_session_timeout', '4s', true), set_config('tcp_user_timeout', '4s', true),
set_config('tcp_keepalives_idle', '2', true), set_config('tcp_keepalives_interval', '1', true),
set_config('tcp_keepalives_count', '2', true)
"""


class DrainLock:
    """The right to read into the spool of `directory` and to store it in the database."""

    def __init__(self, directory: Path):
        self._directory = Path(directory)
        self._spool = FileLock(self._directory / "drain.lock")
        if connection.vendor == "postgresql":
            self.right = RowLease(Path(directory))
        else:
            self.right = FileLock(Path(f"{connection.settings_dict['NAME']}.drain.lock"))

    def acquire(self) -> bool:
        """Acquire the lock, or make sure that it is still ours; False while another drain holds it.

        Raises django.db.Error when the database cannot be asked, and while an upgrade holds this drain: it may spool,
        and another drain may store.
        """
        # In this order everywhere: a drain without a database still may not share another's spool.
        if not self._spool.acquire():
            return False
        if is_held(self._directory):
            self.right.release()
            raise OperationalError("An upgrade is under way: records wait in the spool until it is known to work.")
        try:
            return self.right.acquire()
        except OSError as error:  # where the file next to a SQLite database cannot be made, it cannot be used either
            raise OperationalError(f"{self.right.path} cannot be opened: {error.strerror}") from None

    def release(self):
        """Let another drain have it."""
        self.right.release()
        self._spool.release()


class FileLock:
    """A lock on a file of this machine; next to a SQLite database it is the right to drain."""

    due = shared = wanted = False
    writing, writers_lock = staticmethod(transaction.atomic), staticmethod(DrainState.lock)

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


class RowLease:
    """The right to drain, in the row of DrainState: for drains on several machines, whatever becomes of a session.

    The statement that every transaction of the drain begins with renews it, and fails where another drain has it.
    """

    def __init__(self, directory: Path):
        self._directory, self._owner, self._run = directory, uuid4().hex, directory / "drain.run"
        self._held, self._asked_at, self._met_at = False, 0.0, -float(SHARED_SECONDS)
        self.wanted = False

    @property
    def due(self) -> bool:
        """Whether it is time to renew it."""
        return time.monotonic() - self._asked_at >= RENEW_SECONDS

    @property
    def shared(self) -> bool:
        """Whether another drain was met lately: it may have popped what did not come here."""
        return time.monotonic() - self._met_at < SHARED_SECONDS

    def acquire(self) -> bool:
        """Whether it is ours now; `wanted`: whether another drain asks for it. Raises django.db.Error."""
        self.wanted, self._asked_at = False, time.monotonic()
        if not self._held:
            self._follow()
        found = (self._held and self._renewed()) or DrainState.claim(self._owner, self._has_records())
        self._held = bool(found)
        if self.wanted or found in ("", "lapsed"):
            self._met_at = time.monotonic()
        return self._held

    @contextlib.contextmanager
    def writing(self):
        """A transaction of the drain. Raises LockLost, before anything is written, when another drain has the right."""
        with transaction.atomic():
            self._begun()
            DrainState.renew(self._owner)
            yield

    def writers_lock(self) -> DrainState:
        """DrainState.lock() of the drain."""
        self._begun()
        return DrainState.lock(self._owner)

    def release(self):
        """Let another drain have it at once, where the database answers."""
        if self._held:
            with contextlib.suppress(Error):
                DrainState.release(self._owner)
        self._held = False

    @staticmethod
    def _begun():
        with connection.cursor() as cursor:
            cursor.execute(LEFT_ALONE)

    def _follow(self):
        """Release what the last run on this spool had: it ended, for the spool is ours now."""
        last = self._run.read_text() if self._run.exists() else ""
        if last != self._owner:
            DrainState.release(last)
            self._run.write_text(self._owner)

    def _renewed(self) -> str:
        with contextlib.suppress(LockLost):
            DrainState.renew(self._owner)
            self.wanted = DrainState.is_wanted()
            return "kept"
        return ""

    def _has_records(self) -> bool:
        """Whether something waits in the spool, of an earlier run."""
        return any(path.suffix in (".batch", ".part") for path in self._directory.glob("0*"))
