"""The time in which this process drains: from taking the seat to leaving it."""

import logging
import threading
import time
from typing import NamedTuple

from django.conf import settings
from django.db import Error, connection

from catalog.models import Connection
from cpa_usage.sqlite import wal
from usage.collector.marker import Marker
from usage.collector.metadata import Metadata
from usage.collector.progress import Progress
from usage.collector.queue import Doors, Key
from usage.collector.reader import Reader
from usage.collector.report import Report
from usage.collector.seat import Seat
from usage.collector.spool import Spool
from usage.collector.storer import Batch, Storer, Stumbled
from usage.collector.trouble import Trouble
from usage.ingest.writer import Writer
from usage.models import DrainState, Lease
from usage.rollups.forgetting import forget_clients
from usage.rollups.rebuild import follow_zone
from usage.rollups.statuses import tell_apart

log = logging.getLogger("usage.collector")

LONGEST_BACKOFF = 5.0  # seconds between two tries of a database that is away
FAREWELL_SECONDS = 5  # for storing what is spooled at the end; the rest waits for the next start
ERROR_CHARACTERS = 200


class SeatLost(Exception):
    """Another drain took over while our session with the database was cut."""


class Done(NamedTuple):
    """What a step did: the batch it stored, whether it wrote its report, and what failed."""

    batch: Batch | None = None
    reported: bool = False
    error: str = ""


class Shift:
    """A reader thread that spools, and steps that store what is spooled and report."""

    def __init__(self, seat: Seat, key: Key, clock=time.monotonic):
        self._seat, self._key, self._clock = seat, key, clock
        self.spool = Spool(settings.SPOOL_DIR, settings.SPOOL_MAX_BYTES)
        self.progress = Progress()
        marker = Marker(settings.SPOOL_DIR)
        doors = Doors(settings.QUEUE_MODE, key, tell=marker.note)
        self._reader = Reader(doors, self.spool, self.progress)
        self._storer = Storer(self.spool, Writer())
        self._metadata = Metadata(self.progress)
        self._trouble = Trouble()
        troubles = [self.progress.trouble, self._trouble, self._metadata.trouble]
        self._report = Report(self.progress, self.spool, marker, troubles)
        self._events_from: int | None = None  # up to where clients were forgotten
        self._prepared, self._backoff, self._retry_at = False, 0.0, 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._reader.run, args=[self._ending], name="reader", daemon=True)

    def begin(self):
        """Start to read. A key that others know to be refused is not tried; an absent database holds nothing up."""
        try:
            self._key.share(Connection)
        except Error as error:
            self._away(error)
        if self.spool.depth:
            log.info("%d batches (%d kB) of an earlier run are stored first.", self.spool.depth, self.spool.bytes >> 10)
        self._thread.start()

    def wait(self, seconds: float):
        """Wait until something is spooled."""
        self.progress.arrived.wait(seconds)

    def step(self) -> Done:
        """Store the oldest batches and tell how it goes. A database that is away is tried again after a while.

        Raises SeatLost.
        """
        self.progress.arrived.clear()
        if self._clock() < self._retry_at:
            return Done(error=self._trouble.latest.sentence)
        try:
            self._prepare()
            batch = self._storer.step()
            reported = self._tell(batch)
        except Stumbled as error:
            return self._failed(str(error))
        except Error as error:
            return self._away(error)
        self._backoff = 0.0
        self._trouble.over("The database answers again.")
        return Done(batch, reported)

    def end(self, finish: bool = True):
        """Leave the queue in good order; `finish`: store what is spooled too, as far as there is time."""
        self._ending.set()
        self._thread.join(settings.CPA_TIMEOUT.total_seconds() + FAREWELL_SECONDS)
        self._retry_at, until = 0.0, self._clock() + FAREWELL_SECONDS
        while finish and self._clock() < until and self.step().batch:
            pass
        if self.spool.depth:
            log.warning("%d batches wait in the spool for the next start.", self.spool.depth)
        if finish:
            self._sign_off()

    def _prepare(self):
        """What comes first once the database is there."""
        if not self._prepared:
            self._keep_seat()
            if follow_zone():
                log.info("The days are counted anew in the zone %s.", settings.TIME_ZONE)
            if days := tell_apart():
                log.info("Failures of %d days are told apart by their status now.", days)
            self._report.begin()
            self._prepared = True

    def _keep_seat(self):
        if not self._seat.take():
            raise SeatLost

    def _tell(self, batch: Batch | None) -> bool:
        """Tell the log, the status and the other processes what they should know now."""
        if batch:
            log.info("%s", _sentence(batch))
            self._report.stored(batch.lag_ms)
            self.progress.wants_sync |= bool(batch.stored.refresh)
        self._metadata.sync_when_due()
        due = self._report.due
        if due or self._key.has_news:
            self._key.share(Connection)
        if due:
            self._keep_seat()
            self._metadata.look()
            self._report.write()
            self._forget_clients()
        wal.cut_back()
        return due

    def _forget_clients(self):
        """After each run of retention, and here, for the writer remembers them."""
        start = DrainState.load().events_from
        if start != self._events_from and not Lease.is_held("retention"):
            if count := forget_clients():
                self._storer = Storer(self.spool, Writer())
                log.info("Forgot %d clients whose events are gone.", count)
            self._events_from = start

    def _away(self, error: Error) -> Done:
        connection.close()  # it may be useless now; the next question opens a new one
        self._prepared = False
        words = str(error).strip().splitlines() or [type(error).__name__]
        return self._failed(f"The database cannot be used: {words[0][:ERROR_CHARACTERS]}")

    def _failed(self, sentence: str) -> Done:
        self._backoff = min(self._backoff * 2 or 0.5, LONGEST_BACKOFF)
        self._retry_at = self._clock() + self._backoff
        self._trouble.met(sentence)
        return Done(error=sentence)

    def _sign_off(self):
        """The last report: no door is open any more, unless the reader did not leave it in order."""
        self.progress.continuity.end(time.time_ns() // 1000)
        try:
            self._report.write(left=not self.progress.crashed and not self._thread.is_alive())
        except Error as error:
            self._away(error)


def _sentence(batch: Batch) -> str:
    stored, seconds = batch.stored, max(batch.seconds, 0.001)
    return (
        f"Stored {batch.records} records: {stored.events} new, {stored.duplicates} duplicate, {stored.dead} dead "
        f"letters, {stored.too_late} of them too late; {batch.records / seconds:.0f}/s, lag {batch.lag_ms} ms."
    )
