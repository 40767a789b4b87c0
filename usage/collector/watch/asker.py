"""The thread that asks CPA, every few seconds, what its queue does not tell."""

import logging
import threading
import time

from catalog.cpa import Cpa
from catalog.problems import NotOffered, Problem
from usage.collector.queue import Key
from usage.collector.watch.counters import Round
from usage.time.clock import now_us, steady_us
from usage.time.units import SECOND_US

log = logging.getLogger("usage.collector")

ASK_SECONDS = 4  # between two rounds, which take about two themselves
ANSWER_SECONDS = 10  # for all answers of one
PUBLISHED_US = 2 * SECOND_US  # after an attempt is counted, its record is in the queue
EMPTIED_SECONDS = 10  # for the reader to take all that is queued


class Asker:
    """Rounds of questions; `state` is the reader's.

    For the main thread: `latest` is the newest round, for it to take; `enabled` says whether CPA writes records, as of
    `enabled_at` (µs since the epoch), None where it does not say.
    """

    def __init__(self, state, key: Key, ending: threading.Event):
        self._state, self._key, self._ending = state, key, ending
        self.latest: tuple[Round, dict[tuple[str, str], int]] | None = None
        self.enabled: bool | None = None
        self.enabled_at = 0
        self.thread = threading.Thread(target=self._run, name="asker", daemon=True)

    def _run(self):
        while not self._ending.wait(ASK_SECONDS):
            try:
                self.latest = self._round()
            except Problem as problem:  # the sync of CPA's lists, or the reader, reports it
                log.debug("CPA's counters could not be asked for: %s", problem)
            except Exception:
                log.exception("CPA's counters could not be asked for.")

    def _round(self):
        since = self._state.subscribed_at
        with Cpa(ANSWER_SECONDS, memory=self._key) as cpa:
            self.enabled, self.enabled_at = _optional(lambda: cpa.switch("statistics_enabled")), now_us()
            before = self._state.received.copy()
            files, keys = _optional(cpa.counters) or ({}, {})
        at, asked = now_us(), steady_us()
        complete = self._emptied_after(asked + PUBLISHED_US)
        subscribed = since is not None and since == self._state.subscribed_at
        return Round(at, files, before, self._state.received.copy(), complete, subscribed), keys

    def _emptied_after(self, moment) -> bool:
        """Whether the reader found nothing more to take, when it asked after a moment of the steady clock."""
        until = time.monotonic() + EMPTIED_SECONDS
        while self._state.emptied_at < moment and time.monotonic() < until and not self._ending.wait(0.2):
            pass
        return self._state.emptied_at >= moment


def _optional(ask):
    try:
        return ask()
    except NotOffered:
        return None
