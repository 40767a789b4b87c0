"""Errors that last: logged once and again every few minutes, and kept for the state report."""

import logging
import time
from datetime import UTC, datetime
from typing import NamedTuple

from usage.time.units import FIVE_MINUTES_S

log = logging.getLogger("usage.collector")


class Latest(NamedTuple):
    """The latest error: its sentence and when it was reported; ("", None) before the first."""

    sentence: str = ""
    at: datetime | None = None


class ErrorReporter:
    """Reports the errors of one part of the drain, from one thread."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._logged, self._log_again_at = "", 0.0
        self.latest = Latest()

    def report(self, sentence: str):
        """Note an error; it is logged when it is new, and every five minutes while it lasts."""
        self.latest = Latest(sentence[:500], datetime.now(UTC))
        if sentence != self._logged or self._clock() >= self._log_again_at:
            self._logged, self._log_again_at = sentence, self._clock() + FIVE_MINUTES_S
            log.warning("%s", sentence)

    def resolve(self, sentence: str):
        """Log `sentence` if an error was reported before: what failed works again."""
        if self._logged:
            self._logged = ""
            log.info("%s", sentence)
