"""The reader thread: pops and spools, nothing else, so that no slow database ever keeps records waiting at CPA."""

import logging
import threading
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext_noop as _

from catalog.keymemory import BEING_TRIED
from usage.collector.draft import Draft, write_held
from usage.collector.error_reporter import ErrorReporter
from usage.collector.framing import KEPT_BYTES
from usage.collector.gaps import GapDetector
from usage.collector.queue import CpaQueue, Interrupted, NotRunning, QueueError, Refused
from usage.collector.spool import Spool
from usage.collector.watch.counters import Received
from usage.time.clock import now_us, steady_us

log = logging.getLogger("usage.collector")

REPLY_BYTES = 16 * 1024 * 1024  # as many records are asked for as make a reply of about this size
FEWEST = 10  # asked for after a reply with few records, however small they were: the next ones may be large
GROWTH = 4  # times the records of the latest reply are asked for
RESUME_SHARE = 0.9  # of the spool's size, before popping goes on after it was full
LONGEST_RECORD = 32 * 1024 * 1024
AGAIN_SECONDS = 0.1  # until the disk is tried again: meanwhile the database takes what is in memory
REFRESH = b'{"refresh":true}'

REFUSED = _("CPA refused the management key, so its queue could not be read")


class ReaderState:
    """What the reader thread and the main thread share: plain values, each written by one side only."""

    def __init__(self):
        self.arrived = threading.Event()  # something was spooled, or the reader ended
        self.gaps = GapDetector()
        self.errors = ErrorReporter()
        self.mode = ""
        self.batches = 0
        self.received = Received()
        self.emptied_at = 0  # when a pop was begun that took all there was, µs of the steady clock
        self.subscribed_at: int | None = None  # since when we are subscribed, by the same clock
        self.wants_sync = False  # CPA said its accounts or configuration changed
        self.wants_subscription = False  # set by the main thread: another program may take records
        self.crashed = False


class Step(NamedTuple):
    """What a step did: records that became a batch, seconds to wait before the next step, and what failed."""

    records: int = 0
    wait: float = 0
    error: str = ""


class Reader:
    """Takes records from the queue to the spool."""

    def __init__(self, queue: CpaQueue, spool: Spool, state: ReaderState):
        self._queue, self._spool, self._state = queue, spool, state
        self._limit = min(FEWEST, settings.REDIS_QUEUE_BATCH_SIZE)
        self._draft = Draft(spool)
        self._spool_full = False

    def run(self, stopping: threading.Event):
        """Step until `stopping`; then leave the queue in good order. The body of the reader's thread."""
        try:
            while not stopping.is_set():
                if wait := self.step().wait:
                    stopping.wait(wait)
        except Exception:
            log.exception("The reader stopped on an error that should not be.")
            self._state.crashed = True
        self._end()
        self._state.arrived.set()

    def step(self) -> Step:
        """Pop what is there and spool it."""
        if self._spool.held:
            return self._write_held()
        if reason := self._why_paused():
            return Step(wait=1, error=reason)
        if left := self._queue.change_to(self._state.wants_subscription):
            return self._spool_records(left)
        asked_at, subscribed = steady_us(), self._queue.subscribed
        try:
            records = self._queue.pop(self._limit)
        except QueueError as error:
            self._seal()  # it may be long before anything follows
            return self._failed(error)
        self._contact(asked_at, subscribed)
        return self._spool_records(records, asked_at)

    def _contact(self, asked_at: int, subscribed: bool):
        """The queue answered what it was asked at `asked_at`; it was `subscribed` to before."""
        self._state.mode = self._queue.mode
        since = self._state.subscribed_at if subscribed else None  # else it was left meanwhile
        self._state.subscribed_at = (since or asked_at) if self._queue.subscribed else None
        self._state.wants_sync |= "queue" in self._state.errors.lasting  # it may be another CPA now
        self._state.gaps.contact(asked_at, subscribed)
        for part in ("queue", "key"):
            self._state.errors.resolve(part, f"CPA's queue answers again, mode {self._queue.mode}.")

    def leave(self) -> Step:
        """Disconnect from the queue and spool what was still on its way."""
        try:
            self._draft.add(_arrived_now(self._queue.close()))
        except OSError as error:
            return self._not_written(error)
        return self._seal()

    def _end(self):
        try:
            self.leave()
            self._write_held()
        except Exception:
            log.exception("The queue could not be left in good order.")

    def _spool_records(self, records: list[bytes], asked_at: int | None = None) -> Step:
        """`asked_at`: when they were asked for, where they are all there was if they are few."""
        emptied = len(records) < self._limit
        self._limit = _next_limit(records)
        if REFRESH in records:
            self._state.wants_sync = True
            records = [record for record in records if record != REFRESH]
        self._state.received.add(records)
        if emptied and asked_at:
            self._state.emptied_at = asked_at  # only now: the asker takes all of them for counted then
        try:
            self._draft.add(_arrived_now(records))
        except OSError as error:
            return self._not_written(error)
        if self._queue.mode == "subscribe":
            return self._seal() if self._draft.ripe else Step()
        return self._seal(settings.REDIS_QUEUE_IDLE_INTERVAL.total_seconds() if emptied else 0)

    def _seal(self, wait: float = 0) -> Step:
        """Make a batch of what was popped."""
        if not self._draft:
            return Step(wait=wait)
        try:
            count = self._draft.seal()
        except OSError as error:
            return self._not_written(error)
        return self._arrived(count, wait)

    def _arrived(self, count: int, wait: float, error: str = "") -> Step:
        self._state.batches += 1
        self._state.arrived.set()
        return Step(count, wait, error)

    def _not_written(self, error: OSError) -> Step:
        """The records wait in memory for the database or the disk, and meanwhile nothing more is popped."""
        records = self._draft.give_up() + _arrived_now(self._queue.close())  # a subscription would go on sending
        self._spool.hold([(arrived, bytes(raw)) for arrived, raw in records])  # over HTTP they are parts of the reply
        return self._arrived(len(records), AGAIN_SECONDS, self._report_disk(error))

    def _write_held(self) -> Step:
        try:
            write_held(self._spool)
        except OSError as error:
            return Step(wait=AGAIN_SECONDS, error=self._report_disk(error))
        self._state.arrived.set()
        return Step()

    def _report_disk(self, error: OSError) -> str:
        sentence = f"The spool {self._spool.directory} cannot be written: {error.strerror}."
        self._pause(sentence)
        return sentence

    def _why_paused(self) -> str:
        """Why nothing may be popped now, or ''. A subscription is left meanwhile, so that CPA queues the records."""
        size = self._spool.bytes
        if size < self._spool.max_bytes * (RESUME_SHARE if self._spool_full else 1):
            self._spool_full = False
            if "spool" in self._state.errors.lasting and self._spool.is_writable():
                self._state.errors.resolve("spool", "The spool takes records again.")
            return ""
        if not self._spool_full:
            self.leave()
        self._spool_full = True
        reason = f"The spool is full ({size >> 20} MB wait to be stored): nothing is popped until it drains."
        self._pause(reason)
        return reason

    def _pause(self, reason: str):
        self._state.gaps.paused(reason)
        self._state.errors.report("spool", reason)

    def _failed(self, error: QueueError) -> Step:
        sentence, wait = str(error), settings.REDIS_QUEUE_ERROR_BACKOFF.total_seconds()
        self._state.subscribed_at = None
        if isinstance(error, Refused):
            return self._refused(sentence)
        if isinstance(error, NotRunning):
            self._state.gaps.stopped()
        elif isinstance(error, Interrupted):
            self._state.gaps.interrupted(steady_us(), sentence)
            wait = 0.1  # records wait at CPA now; if it is away, the next try says so
        self._state.errors.report("queue", sentence)
        return Step(wait=wait, error=sentence)

    def _refused(self, sentence: str) -> Step:
        """CPA answers, but not to us; nothing is sent before a login may be tried again."""
        self._state.errors.resolve("queue", "CPA answers.")
        if sentence != BEING_TRIED:
            self._state.gaps.paused(REFUSED)
        self._state.errors.report("key", sentence)
        return Step(wait=1.0, error=sentence)


def _next_limit(records: list[bytes]) -> int:
    """How many records to ask for after this reply; CPA limits neither their number nor their size."""
    largest = max(map(len, records), default=0) or 1
    wanted = max(FEWEST, len(records) * GROWTH)
    return max(1, min(wanted, REPLY_BYTES // largest, settings.REDIS_QUEUE_BATCH_SIZE))


def _arrived_now(items: list[bytes]) -> list[tuple[int, bytes]]:
    """Records as the spool takes them."""
    arrived = now_us()
    return [(arrived, _shortened(item)) for item in items]


def _shortened(record: bytes) -> bytes:
    """The record; one too long to be stored becomes a dead letter that says so."""
    if len(record) <= LONGEST_RECORD:
        return record
    megabytes, kilobytes = len(record) >> 20, KEPT_BYTES >> 10
    log.warning("A record of %d MB was cut; a dead letter keeps its first %d kB.", megabytes, kilobytes)
    return b"Cut from %d bytes to the first %d: %b" % (len(record), KEPT_BYTES, bytes(record[:KEPT_BYTES]))
