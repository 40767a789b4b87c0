"""Whether the database is of this version: which migrations it lacks, and which of a newer version it has."""

from functools import cache

from django.db import OperationalError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

OURS = frozenset({"aliases", "catalog", "cpa_usage", "pricing", "usage"})


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """(app, name) of the migrations of this version; cached, for reading the files is slow."""
    return frozenset(MigrationLoader(None).disk_migrations)


def newer_than_known(applied: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the applied migrations that a newer version brought; other packages' may have been merged since."""
    return {(app, name) for app, name in applied - known_migrations() if app in OURS}


def wrong_version() -> str:
    """What to do about a database of another version, in a sentence; "" for one of this. Raises django.db.Error."""
    applied = set(MigrationRecorder.Migration.objects.values_list("app", "name"))
    if missing := known_migrations() - applied:
        return f"The database is not up to date, {len(missing)} migrations are missing: run manage.py migrate."
    if newer := newer_than_known(applied):
        return f"The database is of a newer version ({'.'.join(min(newer))}): install that one."
    return ""


def require_this_version():
    """Raises OperationalError, with the sentence, unless records may be written; other django.db.Error as well."""
    if sentence := wrong_version():
        raise OperationalError(sentence)
