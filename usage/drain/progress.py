"""What the reader thread tells the main thread; plain values, each written by one side only."""

import logging
import threading
import time
from datetime import UTC, datetime

from usage.drain.continuity import Continuity

log = logging.getLogger("usage.drain")

REPEAT_SECONDS = 300  # an error that lasts is logged again this often


class Progress:
    """Counts, the latest error and wishes of the reader."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._said, self._say_again = "", 0.0
        self.arrived = threading.Event()  # something was spooled, or the reader ended
        self.continuity = Continuity()
        self.mode = ""
        self.batches = self.records = 0
        self.error, self.error_at = "", None
        self.wants_sync = False  # CPA said its accounts or configuration changed
        self.starved = False  # set by the main thread: another product takes every record
        self.paused = ""  # set by the main thread: why nothing may be popped
        self.crashed = False

    def failed(self, sentence: str):
        """Note an error; it is logged when it is new, and now and then while it lasts."""
        self.error, self.error_at = sentence[:500], datetime.now(UTC)
        if sentence != self._said or self._clock() >= self._say_again:
            self._said, self._say_again = sentence, self._clock() + REPEAT_SECONDS
            log.warning("%s", sentence)

    def recovered(self, sentence: str):
        """Whatever failed works again; said once."""
        if self._said:
            self._said = ""
            log.info("%s", sentence)
