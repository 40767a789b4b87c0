"""SQLite's write-ahead log: cut back when a long reader let it grow."""

from pathlib import Path

from django.db import connection

LARGE_BYTES = 32 * 1024 * 1024
BUSY_MS = 200  # readers are not waited for longer; the next look tries again


def cut_back() -> bool:
    """Move a large log into the database and shorten its file; whether there was one. Outside any transaction."""
    if connection.vendor != "sqlite" or _log_bytes() < LARGE_BYTES:
        return False
    with connection.cursor() as cursor:
        patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            cursor.execute(f"PRAGMA busy_timeout={patience}")
    return True


def _log_bytes() -> int:
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    return log.stat().st_size if log.exists() else 0
