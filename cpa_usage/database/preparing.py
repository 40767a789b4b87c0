"""The lock of processes that prepare the same database at the same time, such as those of several containers."""

from django.db import connections

_KEY = 0x6370_612D_7072_6570  # any number that no other program takes; "cpa-prep" in ASCII


def lock_preparation(alias: str = "default"):
    """Wait for the lock, which ends with the transaction. On SQLite transactions wait for each other anyway."""
    connection = connections[alias]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = 0")  # a migration may take longer than locks are waited for
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_KEY])
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
