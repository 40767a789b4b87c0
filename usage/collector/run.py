"""One run of the drain, from acquiring the lock to releasing it."""

import contextlib
import logging
import threading
import time

from django.conf import settings
from django.db import Error, OperationalError, connection
from django.utils import timezone

from catalog.models import Connection
from cpa_usage.database.versions import require_this_version
from cpa_usage.sqlite import wal
from usage.collector.gaps import SubscriptionFile
from usage.collector.lock import DrainLock
from usage.collector.queue import CpaQueue, Key
from usage.collector.reader import Reader, ReaderState
from usage.collector.report import StateReport
from usage.collector.service import patient
from usage.collector.spool import Spool
from usage.collector.storer import Batch, Storer, StoringFailed
from usage.collector.watch.asker import Asker
from usage.collector.watch.watch import Watch
from usage.ingest.writer import Writer
from usage.models import Lease, LockLost
from usage.rollups.rebuild import follow_zone
from usage.time.clock import steady_us

log = logging.getLogger("usage.collector")

LONGEST_BACKOFF_S = 5.0  # between two tries of a database that is away
FIRST_WORD_S = 2  # that reading waits for the database: CPA keeps records for a minute
RESERVE_BYTES = 64 * 1024 * 1024
LAST_BATCHES_S = 5  # for storing what is spooled at the end; the rest waits for the next start
ERROR_CHARACTERS = 200


class DrainRun:
    """A reader thread that spools, and steps that store what is spooled and report."""

    def __init__(self, lock: DrainLock, key: Key):
        self._lock, self._key = lock, key
        self.spool = Spool(settings.SPOOL_DIR, settings.SPOOL_MAX_BYTES)
        self.spool.reserve = _reserve()
        self.state = ReaderState()
        subscription = SubscriptionFile(settings.SPOOL_DIR)
        queue = CpaQueue(settings.QUEUE_MODE, key, on_subscription=subscription.note)
        reader = Reader(queue, self.spool, self.state)
        self._storer = Storer(self.spool, Writer(lock.right.writers_lock))
        self._report = StateReport(self.state, self.spool, subscription, lock.right)
        self._prepared, self._backoff, self._retry_at, self._since = False, 0.0, 0.0, timezone.now()
        self._ending, self._may_read = threading.Event(), threading.Event()
        self._asker = Asker(self.state, key, self._ending)
        self._watch = Watch(self.state, self._asker, lock.right)
        self._thread = threading.Thread(target=self._read, args=[reader], name="reader", daemon=True)

    def begin(self):
        """Start to read. A key that other processes know to be refused is not tried; an absent database may wait."""
        if self.spool.depth:
            log.info("%d batches (%d kB) of an earlier run are stored first.", self.spool.depth, self.spool.bytes >> 10)
        self._thread.start()
        self._asker.thread.start()
        try:
            self._key.share(Connection)
        except Error as error:
            self._database_away(error)
        self._may_read.set()

    def _read(self, reader: Reader):
        """A database that is slow to say what it knows of the key does not keep records waiting at CPA."""
        self._may_read.wait(FIRST_WORD_S)
        reader.run(self._ending)

    def step(self) -> Batch | None:
        """Store the oldest batches and report; returns what was stored. After a failure nothing is tried for a while.

        Raises LockLost.
        """
        self.state.arrived.clear()
        if time.monotonic() < self._retry_at:
            return None
        try:
            self._prepare()
            batch = self._storer.step()
            self._tell(batch)
        except StoringFailed as error:
            self._failed(str(error))
            return None
        except LockLost:
            raise
        except Error as error:
            self._database_away(error)
            return None
        self._backoff = 0.0
        self.state.errors.resolve("database", "The database answers again.")
        return batch

    def end(self, finish: bool = True):
        """Leave the queue in good order; `finish`: store what is spooled too, as far as there is time."""
        self._ending.set()
        self._thread.join(settings.CPA_TIMEOUT.total_seconds() + LAST_BATCHES_S)
        self._asker.thread.join(1)
        self._retry_at, until = 0.0, time.monotonic() + LAST_BATCHES_S
        with contextlib.suppress(Error):
            wal.hurry(LAST_BATCHES_S * 1000)
        with contextlib.suppress(LockLost):
            while finish and time.monotonic() < until and self.step():
                pass
        if lost := self.spool.held.give_up():
            log.error("%d popped records are lost: neither the spool nor the database takes them.", lost.count)
            self.state.gaps.lost(*lost)
        if self.spool.depth:
            log.warning("%d batches wait in the spool for the next start.", self.spool.depth)
        if finish:
            self._last_report()

    def _prepare(self):
        """Do once, when the database answers, what must happen before anything is stored."""
        if not self._prepared:
            require_this_version()
            if Lease.is_move_cut_off(self._since):
                raise OperationalError(
                    "This database is the copy of another one, which may have taken records since: name that one "
                    "again, and run manage.py movedata, which goes on."
                )
            self._keep_lock()
            with patient():
                if follow_zone():
                    log.info("The days are counted again in the zone %s.", settings.TIME_ZONE)
            self._watch.begin()
            self._report.begin()
            self._prepared = True

    def _keep_lock(self):
        """Make sure that we may still store: not in a database that is half migrated, or of another version by now."""
        require_this_version()
        if not self._lock.acquire():
            raise LockLost

    def _tell(self, batch: Batch | None):
        """Update the log, the state and what other processes should know."""
        if batch:
            is_usual = batch.stored.events == batch.records
            log.log(logging.DEBUG if is_usual else logging.INFO, "%s", _sentence(batch))
            self._report.lag_ms = batch.lag_ms
            self.state.wants_sync |= bool(batch.stored.refresh)
        due = self._report.due
        if due or self._lock.right.due:
            self._keep_lock()
        self._watch.sync_when_due()
        self._watch.check()
        if due or self._key.has_news:
            self._key.share(Connection)
        if due:
            self._report.write()
        wal.cut_back()

    def _database_away(self, error: Error):
        connection.close()  # it may be useless now; the next query opens a new one
        self._prepared = False
        words = str(error).strip().splitlines() or [type(error).__name__]
        self._failed(f"The database cannot be used: {words[0][:ERROR_CHARACTERS]}")

    def _failed(self, sentence: str):
        self._backoff = min(self._backoff * 2 or 0.5, LONGEST_BACKOFF_S)
        self._retry_at = time.monotonic() + self._backoff
        self.state.errors.report("database", sentence)

    def _last_report(self):
        """The queue is no longer read by any transport, unless the reader did not leave it in good order."""
        self.state.gaps.end(steady_us())
        left = not self.state.crashed and not self._thread.is_alive()
        try:
            self._watch.end(left)
            self._report.write(left)
        except LockLost:
            log.warning("Another drain has taken over meanwhile.")
        except Error as error:
            self._database_away(error)


def _reserve() -> int:
    """Bytes that the spool leaves to a SQLite file on the same disk, which needs them to take what waits."""
    with contextlib.suppress(OSError):
        disks = {path.stat().st_dev for path in (settings.SPOOL_DIR, settings.SQLITE_PATH.parent)}
        return RESERVE_BYTES if connection.vendor == "sqlite" and len(disks) == 1 else 0
    return 0


def _sentence(batch: Batch) -> str:
    stored, seconds = batch.stored, max(batch.seconds, 0.001)
    return (
        f"Stored {batch.records} records: {stored.events} new, {stored.duplicates} duplicate, {stored.dead} dead "
        f"letters, {stored.too_late} of them too late; {batch.records / seconds:.0f}/s, lag {batch.lag_ms} ms."
    )
