"""When may records have been lost? When CPA was not asked for longer than it keeps them, stopped, or was cut off."""

import threading
from collections import deque
from typing import NamedTuple

from usage.time.units import SECOND_US

RETENTION = 60 * SECOND_US  # CPA's default; it can be configured up to an hour, and we cannot see it

NOBODY_READ = "nobody read CPA's queue for longer than the 60 seconds it keeps records by default"
STOPPED = "CPA was stopped, and what waited in its queue is lost"
DIED = "the drain died while it was subscribed to CPA's queue"


class Span(NamedTuple):
    """A time, µs since the epoch UTC, in which records may have been lost, and why."""

    start: int
    end: int
    reason: str


class Continuity:
    """Follows the contacts with the queue; `spans` collects gaps once they are over."""

    def __init__(self):
        self._lock = threading.Lock()
        self._last: int | None = None
        self._first: int | None = None
        self._cut_since: int | None = None
        self._stopped: int | None = None
        self._reason = NOBODY_READ
        self.spans: deque[Span] = deque()

    @property
    def last(self) -> int | None:
        """The latest contact of this process."""
        return self._last if self._first is not None else None

    def contact(self, at: int):
        """The queue answered at `at`, with records or without."""
        with self._lock:
            if self._cut_since is not None:
                self.spans.append(Span(self._cut_since, at, self._reason))
            elif self._last is not None:
                self._compare(self._over_a_stop(self._last), at)
            self._first = self._first or at
            self._last, self._cut_since, self._stopped, self._reason = at, None, None, NOBODY_READ

    def cut(self, at: int, reason: str):
        """The connection broke while records were on their way."""
        with self._lock:
            if self._cut_since is None:
                self._cut_since, self._reason = self._last or at, reason

    def stopped(self, at: int):
        """CPA was found not running: what it had queued since the latest contact is lost, what comes later is not."""
        with self._lock:
            self._stopped = at

    def paused(self, reason: str):
        """We do not read for a reason of our own, which a gap should name."""
        with self._lock:
            if self._cut_since is None:
                self._reason = reason

    def end(self, at: int):
        """This process ends: what it still waited to see the end of is a gap by now."""
        with self._lock:
            if self._cut_since is not None:
                self.spans.append(Span(self._cut_since, at, self._reason))
            elif self._last is not None:
                self._over_a_stop(self._last)
            self._cut_since = self._stopped = None

    def resume(self, last: int, subscribed: int | None):
        """An earlier process had its latest known contact at `last`; if it died in a subscription, that stood at
        `subscribed`, whether or not it came to tell of a contact."""
        was_subscribed = subscribed is not None
        with self._lock:
            if was_subscribed and subscribed > last:
                self._compare(last, subscribed)
                last = subscribed
            if self._first is None:
                self._last = last
                if was_subscribed:
                    self._cut_since, self._reason = last, DIED
            elif was_subscribed:  # learnt late: the database was away when this process began to read
                self.spans.append(Span(last, self._first, DIED))
            else:
                self._compare(last, self._first)

    def _over_a_stop(self, before: int) -> int:
        """From when on CPA has kept its records, as far as it was stopped."""
        if self._stopped is None:
            return before
        self.spans.append(Span(before, self._stopped, STOPPED))
        return self._stopped

    def _compare(self, before: int, at: int):
        if at - before > RETENTION:
            self.spans.append(Span(before, at - RETENTION, self._reason))
