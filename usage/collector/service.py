"""The drain as a service: what it tells systemd, which restarts it when that stops, and how the installer holds it."""

import logging
import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from django.core.files import locks
from gunicorn.systemd import sd_notify

log = logging.getLogger("usage.collector")

PET_SECONDS = 2
LONGEST_US = 6 * 3600 * 1_000_000


class Watchdog:
    """Silent where systemd did not start this process."""

    def __init__(self, clock=time.monotonic):
        self._clock, self._due = clock, 0.0

    def pet(self):
        """The main loop has come round. The first time, systemd takes the drain for started."""
        if self._clock() >= self._due:
            sd_notify("READY=1\nWATCHDOG=1", log)
            self._due = self._clock() + PET_SECONDS


@contextmanager
def patient():
    """Around one long transaction, during which the main loop does not come round."""
    sd_notify(f"WATCHDOG_USEC={LONGEST_US}", log)
    try:
        yield
    finally:
        sd_notify(f"WATCHDOG_USEC={os.environ.get('WATCHDOG_USEC', '0')}", log)


def is_held(directory: Path) -> bool:
    """Whether an upgrade under way has locked the file `upgrade` in the spool's folder, so that nothing is stored."""
    with suppress(OSError), (directory / "upgrade").open() as file:  # there may be no such file
        return not locks.lock(file, locks.LOCK_SH | locks.LOCK_NB)
    return False
