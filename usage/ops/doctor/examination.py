"""All checks, in the order in which one thing needs another."""

from collections.abc import Iterator

from django.core import checks

from usage.ops.doctor import cpa, processes, storage
from usage.ops.doctor.findings import Finding


def examine() -> Iterator[Finding]:
    """The findings of every check; a check that fails does not stop the later ones."""
    yield from configuration()
    for look in (*cpa.LOOKS, *storage.LOOKS, *processes.LOOKS):
        yield from look()


def configuration() -> Iterator[Finding]:
    """The messages of the settings' own system checks."""
    found = checks.run_checks(tags=["configuration"])
    yield from (Finding("Settings", False, message.msg) for message in found)
    if not found:
        yield Finding("Settings", True, "Every variable reads.")
