"""What goes wrong is said once, and now and then while it lasts."""

import logging
import time
from datetime import UTC, datetime
from typing import NamedTuple

log = logging.getLogger("usage.collector")

REPEAT_SECONDS = 300  # an error that lasts is logged again this often


class Latest(NamedTuple):
    """The latest error of all: its sentence and when it was met; ("", None) before the first."""

    sentence: str = ""
    at: datetime | None = None


class Trouble:
    """What one part of the drain, in one thread, complains of."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._said, self._say_again = "", 0.0
        self.latest = Latest()

    def met(self, sentence: str):
        """Note an error; it is logged when it is new, and now and then while it lasts."""
        self.latest = Latest(sentence[:500], datetime.now(UTC))
        if sentence != self._said or self._clock() >= self._say_again:
            self._said, self._say_again = sentence, self._clock() + REPEAT_SECONDS
            log.warning("%s", sentence)

    def over(self, sentence: str):
        """Whatever failed works again; said once."""
        if self._said:
            self._said = ""
            log.info("%s", sentence)
