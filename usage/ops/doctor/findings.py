"""What the doctor looks at, in the order in which one thing needs another."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.core import checks


class Finding(NamedTuple):
    """One thing looked at: a sentence that says how it is and, when it is not well, what to do; `cure` does it."""

    name: str
    well: bool
    sentence: str
    cure: Callable[[], object] | None = None


def examine() -> Iterator[Finding]:
    """Everything, one finding each; no finding keeps a later one from being made."""
    from usage.ops.doctor import cpa, home, processes

    yield from configuration()
    for look in (*cpa.LOOKS, *home.LOOKS, *processes.LOOKS):
        yield from look()


def configuration() -> Iterator[Finding]:
    """What the settings' own checks say."""
    found = checks.run_checks(tags=["configuration"])
    yield from (Finding("Settings", False, message.msg) for message in found)
    if not found:
        yield Finding("Settings", True, "Every variable reads.")
