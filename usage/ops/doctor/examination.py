"""All checks, in the order in which one thing needs another."""

from collections.abc import Iterator
from contextlib import suppress

from django.core import checks
from django.db import DatabaseError, InterfaceError

from usage.ops.doctor import cpa, notices, prices, processes, records, storage
from usage.ops.doctor.findings import Finding


def configuration() -> Iterator[Finding]:
    """The messages of the settings' own system checks."""
    found = checks.run_checks(tags=["configuration"])
    yield from (Finding("Settings", False, message.msg) for message in found)
    if not found:
        yield Finding("Settings", True, "Every variable reads.")


LOOKS = (
    *(configuration, cpa.management, cpa.queue, storage.database, storage.spool, storage.modes),
    *(records.guesses, records.fields, records.labels),
    *(notices.noticed, processes.planned, processes.web, prices.catalogue),
)


def examine() -> Iterator[Finding]:
    """The findings of every check; a check that fails does not stop the later ones."""
    for look in LOOKS:
        with suppress(DatabaseError, InterfaceError):  # the look at the database reports that it is away
            yield from look()
