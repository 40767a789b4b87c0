"""What the drain does with CPA's metadata: asks for refreshes in time, and reads why the queue may stay empty."""

import time
from datetime import datetime

from django.conf import settings

from catalog.models import Connection
from catalog.tasks import queue_sync
from usage.collector.progress import Progress
from usage.collector.trouble import Trouble

SCHEDULED_SECONDS = 60  # from this interval on the task cluster's own schedule does it; it cannot do it more often

OFF = (
    "CPA's usage statistics are switched off, so it drops its records: set usage-statistics-enabled to true in CPA's "
    "config, or switch them on at the System page."
)
STARVED = "CPA counts requests, but its queue stays empty: another program is subscribed to it and gets every record."


class Starvation:
    """Tells from CPA's own counters whether somebody else gets the records: two rounds moved, nothing ever popped."""

    ROUNDS = 2

    def __init__(self):
        self._round: datetime | None = None
        self._attempts: int | None = None
        self._moved = 0

    def look(self, synced_at: datetime | None, attempts: int | None, popped: int) -> bool:
        """Whether the queue is starved, as of the metadata read at `synced_at` and `popped` records ever."""
        if synced_at == self._round or attempts is None:
            return self._moved >= self.ROUNDS and not popped
        if self._attempts is not None and attempts > self._attempts:
            self._moved += 1
        self._round, self._attempts = synced_at, attempts
        return self._moved >= self.ROUNDS and not popped


class Metadata:
    """Follows catalog's Connection row for the drain."""

    def __init__(self, progress: Progress, clock=time.monotonic):
        self._progress, self._clock = progress, clock
        self._starvation = Starvation()
        self._sync_at = clock()
        self.trouble = Trouble()

    def sync_when_due(self) -> bool:
        """Ask the task cluster for a refresh, when CPA gave the cue or a short interval is over; whether it did."""
        if not self._progress.wants_sync and not self._interval_over():
            return False
        self._progress.wants_sync = False  # before asking: a cue that comes meanwhile counts again
        try:
            queue_sync()
        except Exception:
            self._progress.wants_sync = True
            raise
        return True

    def look(self):
        """Say so when CPA keeps no records or gives them to somebody else."""
        asked = Connection.objects.filter(pk=1).values_list("last_sync_at", "attempts_counted", "statistics_enabled")
        synced_at, attempts, enabled = asked.first() or (None, None, None)
        starved = self._starvation.look(synced_at, attempts, self._progress.records)
        if enabled is False:
            self.trouble.met(OFF)
        elif starved:
            self._starve()
        else:
            self.trouble.over("CPA's records reach us again.")

    def _starve(self):
        if settings.QUEUE_MODE == "auto":
            self._progress.starved = True
            self.trouble.met(f"{STARVED} Subscribing as well.")
        elif settings.QUEUE_MODE != "subscribe":
            self.trouble.met(f"{STARVED} Set QUEUE_MODE to auto or subscribe, or stop the other one.")

    def _interval_over(self) -> bool:
        seconds = settings.METADATA_SYNC_INTERVAL.total_seconds()
        if seconds >= SCHEDULED_SECONDS or self._clock() < self._sync_at:
            return False
        self._sync_at = self._clock() + seconds
        return True
