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
    """Reports the errors of the drain, each under the name of the part that failed; a part reports from one thread."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._logged: dict[str, tuple[str, float]] = {}  # of each part that fails: its sentence, when to log it again
        self.latest = Latest()

    def report(self, part: str, sentence: str):
        """Note an error; it is logged when it is new, and every five minutes while it lasts."""
        self.latest = Latest(sentence[:500], datetime.now(UTC))
        logged, log_again_at = self._logged.get(part, ("", 0.0))
        if sentence != logged or self._clock() >= log_again_at:
            self._logged[part] = sentence, self._clock() + FIVE_MINUTES_S
            log.warning("%s", sentence)

    def resolve(self, part: str, sentence: str):
        """Log `sentence` if the part reported an error before: what failed works again."""
        if self._logged.pop(part, None):
            log.info("%s", sentence)
