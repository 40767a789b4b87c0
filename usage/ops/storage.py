"""The size of the database."""

from pathlib import Path

from django.db import connection
from django.db.models import BigIntegerField, Func

from usage.models import DrainState


class _DatabaseSize(Func):
    """PostgreSQL's own figure for the current database."""

    template = "pg_database_size(current_database())"
    output_field = BigIntegerField()


def database_bytes() -> int | None:
    """Bytes on disk, with SQLite's write-ahead log; None on PostgreSQL before the drain has run."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        return sum(path.stat().st_size for end in ("", "-wal", "-shm") if (path := Path(name + end)).is_file())
    return DrainState.objects.annotate(size=_DatabaseSize()).values_list("size", flat=True).first()
