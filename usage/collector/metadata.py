"""CPA's metadata and the drain: it asks for refreshes when they are due, and notices why the queue stays empty."""

import time
from datetime import datetime

from django.conf import settings

from catalog.models import Connection
from catalog.tasks import queue_sync
from usage.collector.reader import ReaderState

SCHEDULED_SECONDS = 60  # from this interval on the task cluster's own schedule does it, which cannot do it more often

OFF = (
    "CPA's usage statistics are switched off, so it drops its records: set usage-statistics-enabled to true in CPA's "
    "config, or switch them on at the System page."
)
STARVED = "CPA counts requests, but its queue stays empty: another program is subscribed to it and gets every record."
SUBSCRIBE = "Set QUEUE_MODE to auto or subscribe, or stop the other one."
CURES = {"auto": "Subscribing as well.", "pop": SUBSCRIBE, "http": SUBSCRIBE}  # a subscriber needs none


class Starvation:
    """Tells from CPA's own counters whether another program gets the records: two rounds moved, nothing ever popped."""

    ROUNDS = 2

    def __init__(self):
        self._round: datetime | None = None
        self._attempts: int | None = None
        self._moved = 0

    def check(self, synced_at: datetime | None, attempts: int | None, popped: int) -> bool:
        """Whether the queue is starved, as of the metadata read at `synced_at` and `popped` records ever."""
        if synced_at != self._round and attempts is not None:
            self._moved += self._attempts is not None and attempts > self._attempts
            self._round, self._attempts = synced_at, attempts
        return self._moved >= self.ROUNDS and not popped


class Metadata:
    """Follows catalog's Connection row for the drain."""

    def __init__(self, state: ReaderState, clock=time.monotonic):
        self._state, self._clock = state, clock
        self._starvation = Starvation()
        self._sync_at = clock()

    def sync_when_due(self):
        """Ask the task cluster for a refresh, when CPA said that something changed or a short interval is over."""
        if not self._state.wants_sync and not self._interval_over():
            return
        self._state.wants_sync = False  # before asking: a change that comes meanwhile counts again
        try:
            queue_sync()
        except Exception:
            self._state.wants_sync = True
            raise

    def check(self):
        """Report when CPA keeps no records or gives them to another program."""
        found = Connection.objects.filter(pk=1).values_list("last_sync_at", "attempts_counted", "statistics_enabled")
        synced_at, attempts, enabled = found.first() or (None, None, None)
        starved = self._starvation.check(synced_at, attempts, self._state.records)
        if enabled is False:
            self._state.errors.report("metadata", OFF)
        elif starved:
            self._report_starved()
        else:
            self._state.errors.resolve("metadata", "CPA's records reach us again.")

    def _report_starved(self):
        if settings.QUEUE_MODE == "auto":
            self._state.starved = True
        if cure := CURES.get(settings.QUEUE_MODE):
            self._state.errors.report("metadata", f"{STARVED} {cure}")

    def _interval_over(self) -> bool:
        seconds = settings.METADATA_SYNC_INTERVAL.total_seconds()
        if seconds >= SCHEDULED_SECONDS or self._clock() < self._sync_at:
            return False
        self._sync_at = self._clock() + seconds
        return True
