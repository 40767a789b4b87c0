"""Whether CPA takes the management key: five refused logins ban our address, so a refused key rests for ten minutes.

The reader thread logs in and reads only this memory, never the database, which may be slow or away; the main thread
exchanges news between this memory and the row that all processes share.
"""

import threading
import time

from usage.collector.queue.errors import Refused

REFUSED_FOR_S = 600


class Key:
    """Whether logging in with the management key may be tried now."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._reason, self._until = "", 0.0
        self._proved = False
        self._news = ""  # "refused" or "accepted", not yet shared

    def check(self):
        """Raise Refused with the known reason while the key must not be tried."""
        if self._clock() < self._until:
            raise Refused(self._reason)

    def refused(self, reason: str) -> Refused:
        """Note that CPA refused a login; returns the error to raise."""
        with self._lock:
            self._reason, self._until = reason, self._clock() + REFUSED_FOR_S
            self._proved, self._news = False, "refused"
        return Refused(reason)

    def accepted(self):
        """Note a login that worked."""
        with self._lock:
            if not self._proved:
                self._proved, self._until, self._news = True, 0.0, "accepted"

    @property
    def has_news(self) -> bool:
        """Whether other processes should hear at once of what happened here."""
        return bool(self._news)

    def share(self, row):
        """Write to `row` (catalog's Connection) what happened here and read what happened in other processes.

        Raises what the database raises; the news then waits for the next call.
        """
        with self._lock:
            news, reason, self._news = self._news, self._reason, ""
        try:
            if news:
                row.refuse(reason) if news == "refused" else row.accepted()
            self._learn(row.refused())
        except Exception:
            with self._lock:
                self._news = self._news or news
            raise

    def _learn(self, sentence: str | None):
        with self._lock:
            if self._news == "refused":  # it happened during the query, so it is newer than the row
                return
            self._until = self._clock() + REFUSED_FOR_S if sentence else 0.0
            if sentence:
                self._reason, self._proved = sentence, False
