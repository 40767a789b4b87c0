"""Errors that last: logged once and again every few minutes, and kept for the incidents that pages show."""

import logging
import time
from collections import deque
from datetime import UTC, datetime
from typing import NamedTuple

from usage.time.units import FIVE_MINUTES_S

log = logging.getLogger("usage.collector")


class Fault(NamedTuple):
    """What is wrong, in a sentence, and since when."""

    sentence: str
    since: datetime


class ErrorReporter:
    """Reports the errors of the drain, each under the name of the part that failed; a part reports from one thread.

    `lasting` are those of now, by part. `ended` collects (part, fault) of those that are over, for the state report
    to take: the database may have been away all the while.
    """

    def __init__(self):
        self._log_again_at: dict[str, float] = {}
        self.lasting: dict[str, Fault] = {}
        self.ended: deque[tuple[str, Fault]] = deque()

    def report(self, part: str, sentence: str):
        """Note an error; it is logged when it is new, and every five minutes while it lasts."""
        known = self.lasting.get(part)
        if known is None or known.sentence != sentence:
            self.lasting[part] = Fault(sentence, known.since if known else datetime.now(UTC))
        elif time.monotonic() < self._log_again_at[part]:
            return
        self._log_again_at[part] = time.monotonic() + FIVE_MINUTES_S
        log.warning("%s", sentence)

    def resolve(self, part: str, sentence: str):
        """Log `sentence` if the part reported an error before: what failed works again."""
        if fault := self.lasting.pop(part, None):
            self.ended.append((part, fault))
            log.info("%s", sentence)
