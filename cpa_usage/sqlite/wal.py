"""SQLite's write-ahead log: truncated when long readers, or one long transaction after another, let it grow."""

import time
from pathlib import Path

from django.db import connection

LARGE_BYTES, TOO_LARGE_BYTES = 32 * 1024 * 1024, 48 * 1024 * 1024
# A log can be truncated only while no reader uses it, and many readers overlap without end: readers at work are waited
# for, and later ones read the pages that are moved already. Records wait in the spool meanwhile.
WAIT_MS, LONG_WAIT_MS = 100, 1500
BUSY = -1  # number of pages that SQLite reports while another process truncates the log
RETRY_SECONDS = 0.02


def hurry(wait_ms: int):
    """From now on wait no longer than this for other writers; of no use to PostgreSQL."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout={wait_ms}")


def cut_back() -> bool:
    """Move a large log into the database and shorten its file. Returns whether it was large. Outside transactions."""
    if connection.vendor != "sqlite" or (size := _log_bytes()) < LARGE_BYTES:
        return False
    wait_ms = WAIT_MS if size < TOO_LARGE_BYTES else LONG_WAIT_MS
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout={wait_ms}")
        try:
            _checkpoint(cursor, time.monotonic() + wait_ms / 1000)
        finally:
            cursor.execute(f"PRAGMA busy_timeout={usual}")
    return True


def _checkpoint(cursor, deadline):
    """busy_timeout does not cover another process that truncates the log: without a retry the two may take turns
    writing, and the log grows."""
    while cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[1] == BUSY and time.monotonic() < deadline:
        time.sleep(RETRY_SECONDS)


def _log_bytes() -> int:
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    return log.stat().st_size if log.exists() else 0
