"""The transport that subscribes to CPA's queue, by redis-py's PubSub."""

import logging
import time
from collections.abc import Callable

import redis
from django.conf import settings

from usage.collector.queue.errors import Interrupted, QueueError, Unavailable
from usage.collector.queue.key import Key
from usage.collector.queue.resp import BROKEN, PopTransport, command_failed, login

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.05  # for the first record; the caller has earlier ones to write to the disk
PING_SECONDS = 5
LEAVE_SECONDS = 2
PART_BYTES = 4 * 1024 * 1024  # handed on before more is read, so that large records do not pile up in memory
SUPPORT_REFRESH = b'{"support_refresh":true}'


class SubscribeTransport:
    """SUBSCRIBE: CPA sends every record at once and keeps none; what was queued before is popped as well."""

    name = "subscribe"

    def __init__(self, key: Key, on_change: Callable[[bool], object], ping_seconds: float = PING_SECONDS):
        """`on_change` is called with True before a subscription begins, and with False after it was left in order."""
        self._key, self._on_change, self._ping_seconds = key, on_change, ping_seconds
        self._backlog = PopTransport(key)
        self._backlog_at: float | None = None  # when to pop what was queued before we subscribed; None: all is popped
        self._client: redis.Redis | None = None
        self._pubsub: redis.client.PubSub | None = None
        self._failure: QueueError | None = None  # of a pop that returned records all the same: the next one raises it
        self._heard_at = self._pinged_at = 0.0

    @property
    def subscribed(self) -> bool:
        """Whether a subscription stands."""
        return self._pubsub is not None

    def pop(self, limit: int) -> list[bytes]:
        """Up to about `limit` records that are here, waiting up to WAIT_SECONDS for the first.

        Raises a QueueError; Interrupted when a subscription broke off, for what was on its way then is lost.
        """
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure
        if self._pubsub is None:
            self._subscribe()
        records = self._queued_before(limit)
        try:
            self._receive(records, limit)
        except QueueError as error:
            self._disconnect()
            self._failure = Interrupted(f"The subscription was cut: {error}")
            if not records:
                return self.pop(limit)
        return records

    def close(self) -> list[bytes]:
        """Leave the subscription in good order and return the records that were still on their way."""
        records = []
        if self._pubsub:
            self._unsubscribe(records)
            self._on_change(False)
        self._disconnect()
        self._backlog.close()
        self._failure = None
        return records

    def _subscribe(self):
        """Subscribe first and pop the backlog after: the other way round, records between the two stay at CPA."""
        self._client = login(self._key, single=False)
        self._on_change(True)
        self._pubsub = self._client.pubsub()
        try:
            self._send(lambda: self._pubsub.subscribe(settings.REDIS_QUEUE_KEY))
            if not self._message(settings.CPA_TIMEOUT.total_seconds()):
                raise Unavailable("CPA does not confirm the subscription.")
        except QueueError:
            self._disconnect()
            raise
        self._heard_at = self._pinged_at = self._backlog_at = time.monotonic()

    def _receive(self, records: list[bytes], limit: int):
        """Add what is here to `records`, which keeps it even if the connection breaks midway."""
        until, full, size, messages = time.monotonic() + WAIT_SECONDS, len(records) + limit, 0, 0
        while len(records) < full and size < PART_BYTES:
            message = self._message(0 if records else max(0.0, until - time.monotonic()))
            if message is None:
                break
            messages += 1
            size += _keep(message, records)
        if not messages:
            self._keep_alive()

    def _message(self, seconds: float) -> dict | None:
        """What CPA sends within `seconds`: a record, a confirmation or a pong; None when nothing complete came."""
        try:
            message = self._pubsub.get_message(timeout=seconds)
        except redis.TimeoutError:
            self._heard_at = time.monotonic()  # a part of a message came, and redis-py keeps it
            return None
        except BROKEN as error:
            raise command_failed(self._key, error) from None
        if message:
            self._heard_at = time.monotonic()
        return message

    def _keep_alive(self):
        """A peer that vanished closes no connection: ping now and then, and give up when CPA stays silent."""
        now = time.monotonic()
        if now - self._pinged_at >= self._ping_seconds:
            if self._heard_at < self._pinged_at - 2 * self._ping_seconds:
                raise Unavailable("CPA fell silent.")
            self._pinged_at = now
            self._send(self._pubsub.ping)

    def _send(self, command: Callable[[], object]):
        try:
            command()
        except BROKEN as error:
            raise command_failed(self._key, error) from None

    def _queued_before(self, limit: int) -> list[bytes]:
        """One pop of the backlog. Its errors only put it off: the subscription must not wait for them."""
        if self._backlog_at is None or time.monotonic() < self._backlog_at:
            return []
        try:
            records = self._backlog.pop(limit)
        except QueueError as error:
            log.warning("The queue's backlog is tried again in %s s. %s", self._ping_seconds, error)
            self._backlog_at = time.monotonic() + self._ping_seconds
            self._failure = error if isinstance(error, Interrupted) else None
            return []
        if not records:
            self._backlog_at = None
            self._backlog.close()
        return records

    def _unsubscribe(self, records: list[bytes]):
        """CPA confirms after what it had sent before, and closes; a CPA that does not is not waited for."""
        until = time.monotonic() + LEAVE_SECONDS
        try:
            self._send(self._pubsub.unsubscribe)
            while self._pubsub.subscribed and (left := until - time.monotonic()) > 0:
                if message := self._message(left):
                    _keep(message, records)
        except QueueError:
            pass  # closing is how it ends

    def _disconnect(self):
        if self._client:
            self._pubsub = self._pubsub and self._pubsub.close()
            self._client.connection_pool.disconnect()
            self._client = None


def _keep(message: dict, records: list[bytes]) -> int:
    """Add the record of a message to `records`, if it has one; returns its size in bytes."""
    record = message["data"]
    if message["type"] != "message" or not isinstance(record, bytes) or record == SUPPORT_REFRESH:
        return 0
    records.append(record)
    return len(record)
