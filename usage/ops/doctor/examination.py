"""All checks, each after those it depends on."""

from collections.abc import Iterator
from contextlib import suppress

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, InterfaceError

from usage.ops.doctor import cpa, notices, prices, processes, records, storage
from usage.ops.doctor.findings import Finding


def configuration() -> Iterator[Finding]:
    """The messages of the settings' own system checks."""
    found = checks.run_checks(tags=["configuration"])
    yield from (Finding("Settings", False, message.msg) for message in found)
    if not found:
        yield Finding("Settings", True, f"Every variable reads. Times are those of {settings.TIME_ZONE} (TZ).")


LOOKS = (
    *(configuration, cpa.management, cpa.queue, storage.database, storage.spool, storage.modes),
    *(records.guesses, records.fields, records.labels),
    *(notices.noticed, processes.planned, processes.web, prices.catalogue),
)
# Stored facts may be a minute old: they are not well where one of these is wrong now.
NEEDS = {"Drain": {"CPA", "Key", "Queue"}, "Lists": {"CPA", "Key"}}


def examine() -> Iterator[Finding]:
    """The findings of every check; a check that fails does not stop the later ones."""
    wrong = set()
    for look in LOOKS:
        with suppress(DatabaseError, InterfaceError):  # the look at the database reports that it is away
            for finding in look():
                if not finding.well:
                    wrong.add(finding.name)
                elif wrong & NEEDS.get(finding.name, set()):
                    continue
                yield finding
