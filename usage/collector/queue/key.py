"""Whether the management key may be tried: five refused logins ban our address, so a refused key rests.

The threads of the drain log in and read only this memory, never the database, which may be slow or away; the main
thread exchanges news between this memory and the row that all processes share (catalog.keymemory).
"""

import threading
import time

from django.utils import timezone

from catalog import problems
from catalog.keymemory import rest_after
from usage.collector.queue.errors import Refused
from usage.collector.queue.port import Port

SHARE_SECONDS = 1  # between two looks at the row while the key rests
MARGIN_SECONDS = 5  # after a rest: before this thread tries by itself, share() claims the right to
FIRST_SECONDS = 1  # that the first login waits for one of another process, of which the outcome is not known yet
UNPROVED = "The queue's own login comes first."


class Key:
    """Whether logging in with the management key may be tried now."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._reason, self._until = "", 0.0
        self._failures = 0
        self.accepts = False  # whether CPA is known to take the key
        self._port, self._looking = Port(), threading.Lock()
        self._news = ""  # "refused", "accepted" or "restarted", not yet shared
        self._login = None  # the right to try, of Connection.claim()
        self._by_person = True  # the first try: a person has started this process
        self._share_at = 0.0

    def check(self):
        """Raise Refused with the known reason while the key must not be tried."""
        if self._rests and not self._restarted():
            raise Refused(self._reason)

    def refused(self, reason: str) -> Refused:
        """Note that CPA refused a login; returns the error to raise."""
        with self._lock:
            self._failures, rest = rest_after(reason, self._failures)
            self._rest(reason, rest.total_seconds())
            self._news = "refused"
        return Refused(reason)

    def accepted(self):
        """Note a login that worked."""
        with self._lock:
            if not self.accepts:
                self.accepts, self._until, self._failures, self._news = True, 0.0, 0, "accepted"

    # Like `accepts`, what catalog.cpa.Cpa asks of its memory, for what the drain asks besides the queue

    def claim(self, by_person: bool = False, wait: float = 0):
        """The right to ask CPA, which the queue's login comes before. Raises catalog's Refused."""
        if not self.accepts:
            raise problems.Refused(self._reason if self._rests else UNPROVED)
        return self

    def release(self):
        """Nothing to do: claim() takes nothing."""

    def refuse(self, reason: str) -> str:
        """Note a refusal as refused() does; returns its sentence."""
        return str(self.refused(reason))

    # What the main thread does

    @property
    def has_news(self) -> bool:
        """Whether share() should be called now."""
        return bool(self._news) or (self._rests and self._clock() >= self._share_at)

    def share(self, row):
        """Write to `row` (catalog's Connection) what happened here and read what happened in other processes.

        Raises what the database raises; the news then waits for the next call.
        """
        self._share_at = self._clock() + SHARE_SECONDS
        with self._lock:
            news, reason, self._news = self._news, self._reason, ""
        try:
            if news == "refused":
                row.refuse(reason)
            elif news:
                row.accepted() if news == "accepted" else row.restarted()
        except Exception:
            with self._lock:
                self._news = self._news or news
            raise
        if news:
            self._login, self._by_person = None, False
        self._learn(row)

    @property
    def _rests(self) -> bool:
        return self._clock() < self._until

    def _learn(self, row):
        known = row.load()
        reason = known.refusal()
        if self._login:
            self._login.release()
            self._login = None
        elif not known.accepts and (self._rests or self._by_person):
            try:
                self._login, reason = row.claim(self._by_person, FIRST_SECONDS if self._by_person else 0), None
            except problems.Refused as refused:
                reason = str(refused)
        self._by_person = False
        with self._lock:
            if self._news:  # it happened during the queries, so it is newer than the row
                return
            if reason:
                self._failures, until = known.refused_count, known.refused_until or timezone.now()
                self._rest(reason, max((until - timezone.now()).total_seconds(), 0))
            else:
                self._until, self.accepts = 0.0, self.accepts or known.accepts

    def _rest(self, reason, seconds):
        self._reason, self._until, self.accepts = reason, self._clock() + seconds + MARGIN_SECONDS, False

    def _restarted(self) -> bool:
        """Whether CPA was stopped, so that it has forgotten all failed logins. One thread at a time looks."""
        with self._looking:
            stopped = self._rests and self._port.was_stopped()
        if stopped:
            with self._lock:
                self._until, self._failures, self._news = 0.0, 0, "restarted"
        return stopped
