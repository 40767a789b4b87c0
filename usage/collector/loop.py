"""The drain as a process: it waits for the seat, drains while it has it, and ends when it is told to."""

import logging
import time

from django.conf import settings
from django.db import Error, connection

from usage.collector.queue import Key
from usage.collector.seat import Seat
from usage.collector.shift import SeatLost, Shift
from usage.collector.trouble import Trouble

log = logging.getLogger("usage.collector")

IDLE_SECONDS = 0.2  # a stop is never kept waiting longer
STANDBY_SECONDS = 0.5


class Drain:
    """One drain; of several on one database, one works and the others stand by."""

    def __init__(self):
        self._seat, self._key = Seat(settings.SPOOL_DIR), Key()
        self._trouble = Trouble()
        self._stopping = False

    def stop(self):
        """End after the batch in hand. A flag and no lock, for a signal handler calls this."""
        self._stopping = True

    def run(self) -> bool:
        """Drain until stopped; False when it ended by a fault of its own and should be started again."""
        try:
            while not self._stopping:
                if not self._take_seat():
                    time.sleep(STANDBY_SECONDS)
                elif not self._work():
                    return False
            return True
        finally:
            self._seat.leave()
            connection.close()

    def _take_seat(self) -> bool:
        """Whether to begin. With the database away nobody can tell, and records that CPA soon forgets come first."""
        try:
            taken = self._seat.take()
        except Error:
            return True
        if not taken:
            self._trouble.met("Another drain is at work on this database: standing by until it ends.")
            return False
        self._trouble.over("The other drain has ended: taking over.")
        return True

    def _work(self) -> bool:
        """Drain for as long as nothing ends it; False when the reader died."""
        shift, finish = Shift(self._seat, self._key), True
        shift.begin()
        log.info("The drain is at work, QUEUE_MODE %s.", settings.QUEUE_MODE)
        try:
            while not self._stopping and not shift.progress.crashed:
                if not shift.step().batch:
                    shift.wait(IDLE_SECONDS)
        except SeatLost:
            finish = False
            log.warning("Another drain took over while the database was away.")
        finally:
            shift.end(finish)
        return not shift.progress.crashed
