"""The size of the database."""

from pathlib import Path

from django.db import connection


def database_bytes() -> int:
    """Bytes on disk, with SQLite's write-ahead log."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        return sum(path.stat().st_size for end in ("", "-wal", "-shm") if (path := Path(name + end)).is_file())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return cursor.fetchone()[0]
