"""The two doors that speak RESP: pop, and subscribe."""

import logging
import time
from collections.abc import Callable

from django.conf import settings

from usage.collector.queue.errors import Away, Cut, QueueError
from usage.collector.queue.key import Key
from usage.collector.queue.link import Link
from usage.collector.queue.replies import PART_BYTES

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.05  # a subscriber waits no longer for a record: its caller has earlier ones to look after
PING_SECONDS = 5
FAREWELL_SECONDS = 2
MARKERS = (b'{"support_refresh":true}',)


class PopDoor:
    """LPOP: what we do not take stays with CPA for its retention, also while we restart."""

    name = "pop"

    def __init__(self, key: Key):
        self._link = Link(key)
        self.unread = 0

    def pop(self, limit: int) -> list[bytes]:
        """Up to `limit` records, oldest first; [] when the queue is empty. Raises a QueueError."""
        return self.rest() if self.unread else self._taken(self._link.ask("LPOP", settings.REDIS_QUEUE_KEY, limit))

    def rest(self) -> list[bytes]:
        """The next part of the reply. Raises a QueueError."""
        self.unread = 0  # if the connection breaks, the rest is gone
        self._link.connection.meter.expect()
        return self._taken(self._link.receive())

    def close(self) -> list[bytes]:
        if not self.unread:
            self._link.close()
        return []

    def tell_of_a_close(self):
        """Raises Cut, once, when CPA closed the connection between two pops and no pop could tell of it."""
        self._link.tell_of_a_close()

    def _taken(self, reply) -> list[bytes]:
        if reply is None:
            return []
        if not isinstance(reply, list) or not all(isinstance(item, bytes) for item in reply):
            self._link.close()
            raise Cut("CPA's queue answers a pop with something that is no list of records.")
        self.unread = reply.unread
        return reply


class SubscribeDoor:
    """SUBSCRIBE: every record at once, but none is kept for us; the backlog is popped beside it."""

    name = "subscribe"

    def __init__(self, key: Key, tell: Callable[[bool], object], ping_seconds: float = PING_SECONDS):
        """`tell` hears True before a subscription begins, and False after it was left in good order."""
        self._link = Link(key)
        self._backlog = PopDoor(key)
        self._tell, self._ping_seconds = tell, ping_seconds
        self._subscribed = False
        self._backlog_at: float | None = None  # when to pop what was queued before we subscribed; None: all taken
        self._trouble: QueueError | None = None

    def pop(self, limit: int) -> list[bytes]:
        """Up to about `limit` records of what is at hand, waiting up to PATIENCE_SECONDS for the first.

        Raises a QueueError; Cut when a subscription that stood broke off, for what was on its way then is lost.
        """
        if self._trouble:
            trouble, self._trouble = self._trouble, None
            raise trouble
        if not self._subscribed:
            if self.unread:  # CPA has given it away: it comes before a login, which may fail
                return self.rest()
            self._subscribe()
        records = self._left_behind(limit)
        try:
            self._gather(records, limit)
        except QueueError as error:
            self._break_off(error)
            if not records:
                return self.pop(limit)  # raises the trouble
        return records

    @property
    def unread(self) -> int:
        return self._backlog.unread

    def rest(self) -> list[bytes]:
        """The next part of the backlog's reply. Raises a QueueError."""
        return self._backlog.rest()

    def close(self) -> list[bytes]:
        """Leave the subscription in good order and return the records that were still on their way."""
        records = []
        if self._subscribed:
            self._farewell(records)
            self._tell(False)
        self._subscribed, self._trouble = False, None
        self._link.close()
        self._backlog.close()
        return records

    def tell_of_a_close(self):
        """Nothing: a subscription that breaks off is told by the next pop."""

    def _subscribe(self):
        """Subscribe first and look at the backlog after: the other way round, records between the two stay behind."""
        self._link.login()
        self._tell(True)
        self._link.ask("SUBSCRIBE", settings.REDIS_QUEUE_KEY)
        self._subscribed = True
        self._heard = self._pinged = self._backlog_at = time.monotonic()

    def _gather(self, records: list[bytes], limit: int):
        """Add what is at hand to `records`, which keeps it even if the connection breaks midway.

        Only what is added counts: a large backlog must not starve the subscription.
        """
        self._keep_alive()
        until, full, size = time.monotonic() + PATIENCE_SECONDS, len(records) + limit, 0
        while len(records) < full and self._link.waiting(0 if records else max(0, until - time.monotonic())):
            size += self._take(records)
            self._heard = time.monotonic()
            if size >= PART_BYTES:
                break

    def _take(self, records: list[bytes]) -> int:
        """Read one pushed reply; a record goes to `records`, pongs, confirmations and markers nowhere. Bytes added."""
        self._link.connection.meter.expect()
        match self._link.receive():
            case [b"message", _, bytes(record)] if record not in MARKERS:
                records.append(record)
                return len(record)
        return 0

    def _keep_alive(self):
        """A peer that vanished sends no farewell: ask it now and then, and give up when it stays silent."""
        now = time.monotonic()
        if now - self._pinged >= self._ping_seconds:
            if self._heard < self._pinged - 2 * self._ping_seconds and not self._link.waiting(0):
                raise Away("CPA fell silent.")
            self._pinged = now
            self._link.send("PING")

    def _left_behind(self, limit: int) -> list[bytes]:
        """One pop of the backlog. Its errors only put it off: the subscription must not wait for them."""
        if self._backlog_at is None or time.monotonic() < self._backlog_at:
            return []
        try:
            records = self._backlog.pop(limit)
        except QueueError as error:
            log.warning("The queue's backlog is tried again in %s s. %s", self._ping_seconds, error)
            self._backlog_at = time.monotonic() + self._ping_seconds
            self._trouble = error if isinstance(error, Cut) else None
            return []
        if not records:
            self._backlog_at = None
            self._backlog.close()
        return records

    def _break_off(self, error: QueueError):
        self._subscribed = False
        self._link.close()
        self._trouble = Cut(f"The subscription was cut: {error}")

    def _farewell(self, records: list[bytes]):
        """CPA confirms with what it had sent before, and closes; one that does not is not waited for."""
        until = time.monotonic() + FAREWELL_SECONDS
        try:
            self._link.send("UNSUBSCRIBE")
            while time.monotonic() < until and self._link.waiting(max(0, until - time.monotonic())):
                self._take(records)
        except QueueError:
            pass  # closing is how it ends
