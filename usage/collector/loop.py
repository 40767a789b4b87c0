"""The loop of manage.py drain: wait for the lock, drain while this process has it, end on a signal."""

import logging
import time

from django.conf import settings
from django.db import Error, connection

from usage.collector.error_reporter import ErrorReporter
from usage.collector.lock import DrainLock
from usage.collector.queue import Key
from usage.collector.run import DrainRun
from usage.collector.service import Watchdog
from usage.models import LockLost

log = logging.getLogger("usage.collector")

IDLE_SECONDS = 0.2  # a stop never waits longer
STANDBY_SECONDS = 0.5
# Without the database, before a drain that stood by pops as well: CPA keeps records for a minute.
PATIENCE_SECONDS = 15
CAUGHT_UP_MS = 5000  # what waits in the spool is no older, so another drain may have the right


class Drain:
    """One drain; of several on one database, one works and the others stand by."""

    def __init__(self):
        self._lock, self._key = DrainLock(settings.SPOOL_DIR), Key()
        self._errors, self._watchdog = ErrorReporter(), Watchdog()
        self._stopping, self._alone_from = False, 0.0

    def stop(self):
        """End after the batch in hand. It only sets a flag and takes no lock, for a signal handler calls it."""
        self._stopping = True

    def run(self) -> bool:
        """Drain until stopped; False when it ended by an error of its own and should be started again."""
        try:
            while not self._stopping:
                self._watchdog.pet()
                if not self._acquire_lock():
                    time.sleep(STANDBY_SECONDS)
                elif not self._work():
                    return False
                else:
                    self._lock.release()
            return True
        finally:
            self._lock.release()
            connection.close()

    def _acquire_lock(self) -> bool:
        """Whether to begin. Without the database the lock is unknown, and records that CPA soon forgets come first."""
        try:
            acquired = self._lock.acquire()
        except Error:
            connection.close()  # it may be useless now
            return time.monotonic() >= self._alone_from
        if not acquired:
            self._alone_from = time.monotonic() + PATIENCE_SECONDS
            self._errors.report("lock", "Another drain is at work on this database: standing by until it ends.")
            return False
        self._errors.resolve("lock", "The other drain has ended: taking over.")
        return True

    def _work(self) -> bool:
        """Drain until stopped or until the lock is lost; False when the reader crashed."""
        run, finish = DrainRun(self._lock, self._key), True
        run.begin()
        log.info("The drain is at work, QUEUE_MODE %s.", settings.QUEUE_MODE)
        try:
            while not self._stopping and not run.state.crashed:
                self._watchdog.pet()
                batch = run.step()
                if self._lock.right.wanted and (batch is None or batch.lag_ms < CAUGHT_UP_MS):
                    log.info("Another drain has records to store and asks for the right to drain: it takes over.")
                    break
                if not batch:
                    run.state.arrived.wait(IDLE_SECONDS)
        except LockLost:
            finish = False
            log.warning("Another drain took over while this one or the database was away.")
        finally:
            run.end(finish)
        return not run.state.crashed
