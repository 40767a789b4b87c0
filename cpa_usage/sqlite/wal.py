"""SQLite's write-ahead log: cut back when long readers, or one long transaction after another, let it grow."""

import time
from pathlib import Path

from django.db import connection

LARGE_BYTES, TOO_LARGE_BYTES = 32 * 1024 * 1024, 48 * 1024 * 1024
# The log begins anew only when nobody reads in it, and many readers overlap for ever: those at work are waited for, and
# who comes meanwhile reads what is moved already. Records are spooled in this time.
PATIENCE_MS, MORE_PATIENCE_MS = 100, 1500
SOMEBODY_ELSE = -1  # pages of a log that another process is cutting back
STEP_SECONDS = 0.02


def cut_back() -> bool:
    """Move a large log into the database and shorten its file; whether there was one. Outside any transaction."""
    if connection.vendor != "sqlite" or (size := _log_bytes()) < LARGE_BYTES:
        return False
    patience = PATIENCE_MS if size < TOO_LARGE_BYTES else MORE_PATIENCE_MS
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout={patience}")
        try:
            _checkpoint(cursor, time.monotonic() + patience / 1000)
        finally:
            cursor.execute(f"PRAGMA busy_timeout={usual}")
    return True


def _checkpoint(cursor, until):
    """Of two processes that cut back at once SQLite tells one to go, and does not wait: whoever writes again at once
    would keep the other from it as well."""
    while cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[1] == SOMEBODY_ELSE and time.monotonic() < until:
        time.sleep(STEP_SECONDS)


def _log_bytes() -> int:
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    return log.stat().st_size if log.exists() else 0
