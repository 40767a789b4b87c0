"""The reader: pops and spools, nothing else, so that no slow database ever keeps records waiting at CPA."""

import logging
import threading
import time
from typing import NamedTuple

from django.conf import settings

from usage.collector.intake import Intake
from usage.collector.progress import Progress
from usage.collector.queue import Cut, Doors, QueueError, Refused, Stopped
from usage.collector.spool import Spool

log = logging.getLogger("usage.collector")

REPLY_TARGET_BYTES = 16 * 1024 * 1024  # so many records are asked for at once that a reply stays about this large
FIRST_LIMIT = 100  # before anything is known about their size
RESUME_SHARE = 0.9  # of the spool's size, before popping goes on after it was full
REFRESH = b'{"refresh":true}'

REST_LOST = "The spool could not be written when the drain stopped, and the rest of a reply from CPA's queue is lost"
KEY_HINT = "Set CPA_MANAGEMENT_KEY to the remote-management secret-key of CPA's config; it is tried every 10 minutes."


class Popped(NamedTuple):
    """What a step did: records that became a batch, seconds to wait before the next step, and what failed."""

    records: int = 0
    wait: float = 0
    error: str = ""


class Reader:
    """Takes records from the queue to the spool."""

    def __init__(self, doors: Doors, spool: Spool, progress: Progress):
        self._doors, self._spool, self._progress = doors, spool, progress
        self._limit = self._asked = min(FIRST_LIMIT, settings.REDIS_QUEUE_BATCH_SIZE)
        self._got, self._asked_at = 0, 0  # of what was asked for, and when; a large reply comes in parts
        self._in_hand = Intake(spool)
        self._held_back = False

    def run(self, stopping: threading.Event):
        """Step until `stopping`; then leave the queue in good order. The body of the reader's thread."""
        try:
            while not stopping.is_set():
                popped = self.step()
                if popped.wait:
                    stopping.wait(popped.wait)
        except Exception:
            log.exception("The reader stopped on an error that should not be.")
            self._progress.crashed = True
        self._end()
        self._progress.arrived.set()

    def step(self) -> Popped:
        """Pop what is there and spool it."""
        if self._in_hand.failed:
            return self._seal(0)
        if reason := self._hold_back():
            return Popped(wait=1, error=reason)
        if self._progress.starved:
            self._doors.starved()
        if not self._doors.unread:
            self._asked, self._got, self._asked_at = self._limit, 0, _now()
        try:
            records = self._doors.pop(self._limit)
        except QueueError as error:
            self._seal(0)  # it may be long before anything follows
            return self._failed(error)
        return self._popped(records)

    def leave(self) -> Popped:
        """Close the queue and spool what was still on its way."""
        try:
            self._in_hand.add(_now(), self._doors.close())
        except OSError as error:
            return self._unwritten(error)
        return self._seal(0)

    def _end(self):
        try:
            self._finish()
            if self.leave().error:
                log.error("%d popped records are lost: the spool cannot be written.", len(self._in_hand))
            if self._doors.unread:
                log.error("%s.", REST_LOST)
                self._progress.continuity.cut(_now(), REST_LOST)
        except Exception:
            log.exception("The queue could not be left in good order.")

    def _finish(self):
        """Spool what is unread of a reply, however full the spool is: CPA has given it away."""
        self._seal(0)  # the disk may be well again
        try:
            while self._doors.unread and not self._in_hand.failed:
                self._took(self._doors.rest())
        except QueueError as error:
            self._failed(error)

    def _popped(self, records: list[bytes]) -> Popped:
        self._progress.mode = self._doors.mode
        if self._doors.mode == "subscribe":
            self._progress.continuity.contact(_now())
        self._progress.trouble.over(f"CPA's queue answers again, mode {self._doors.mode}.")
        return self._took(records)

    def _took(self, records: list[bytes]) -> Popped:
        """Spool a reply, or a part of one. CPA's queue was looked at when the reply was asked for, however late its
        last part is read; it counts when all of it is here."""
        if self._doors.mode != "subscribe" and not self._doors.unread:
            self._progress.continuity.contact(self._asked_at)
        self._learn_size(records)
        self._got += len(records)
        if REFRESH in records:
            self._progress.wants_sync = True
            records = [record for record in records if record != REFRESH]
        try:
            self._in_hand.add(_now(), records)
        except OSError as error:
            return self._unwritten(error)
        if self._doors.mode == "subscribe" or self._doors.unread:
            return self._seal(0) if self._in_hand.ripe else Popped()
        return self._seal(0 if self._got >= self._asked else settings.REDIS_QUEUE_IDLE_INTERVAL.total_seconds())

    def _seal(self, wait: float) -> Popped:
        """Make a batch of what is in hand; on failure it stays in hand, and nothing more is popped."""
        if not self._in_hand:
            return Popped(wait=wait)
        try:
            count = self._in_hand.seal()
        except OSError as error:
            return self._unwritten(error)
        self._progress.batches += 1
        self._progress.records += count
        self._progress.arrived.set()
        return Popped(count, wait)

    def _unwritten(self, error: OSError) -> Popped:
        sentence = f"The spool {self._spool.directory} cannot be written: {error.strerror}."
        self._pause(sentence)
        # A subscription would go on sending; CPA queues the records meanwhile.
        self._in_hand.add(_now(), self._doors.close())
        return Popped(wait=1, error=sentence)

    def _hold_back(self) -> str:
        """Why nothing may be popped now, or ''. What CPA has given away is spooled before, though that is too much; a
        subscription is left meanwhile, so that CPA queues the records."""
        spool, share = self._spool, RESUME_SHARE if self._held_back else 1
        reason = ""
        if spool.bytes >= spool.max_bytes * share:
            reason = f"The spool is full ({spool.bytes >> 20} MB wait to be stored): nothing is popped until it drains."
        if reason and (self._doors.unread or not self._held_back):
            self._finish()
            self.leave()
        self._held_back = bool(reason)
        if reason:
            self._pause(reason)
        return reason

    def _pause(self, reason: str):
        self._progress.continuity.paused(reason)
        self._progress.trouble.met(reason)

    def _failed(self, error: QueueError) -> Popped:
        if isinstance(error, Refused):
            sentence, wait = _with_hint(str(error)), 1.0  # asks nobody before the ten minutes are over
        else:
            sentence, wait = str(error), settings.REDIS_QUEUE_ERROR_BACKOFF.total_seconds()
        if isinstance(error, Stopped):
            self._progress.continuity.stopped(_now())
        if isinstance(error, Cut):
            self._progress.continuity.cut(_now(), str(error))
            wait = 0.1  # records wait at CPA now; if it is away, the next try says so
        self._progress.trouble.met(sentence)
        return Popped(wait=wait, error=sentence)

    def _learn_size(self, records: list[bytes]):
        largest = max(map(len, records), default=1) or 1
        wanted = min(REPLY_TARGET_BYTES // largest, self._limit * 4)
        self._limit = max(1, min(wanted, settings.REDIS_QUEUE_BATCH_SIZE))


def _with_hint(sentence: str) -> str:
    return sentence if "CPA_MANAGEMENT_KEY" in sentence else f"{sentence.rstrip('. ')}. {KEY_HINT}"


def _now() -> int:
    """µs since the epoch, UTC."""
    return time.time_ns() // 1000
