"""Which transport is used: the one that QUEUE_MODE names, or in mode auto the first that works."""

import logging
import time

from usage.collector.queue.errors import Interrupted, NotResp, QueueError, Unavailable
from usage.collector.queue.key import Key
from usage.collector.queue.resp import PopTransport
from usage.collector.queue.subscribe import SubscribeTransport
from usage.time.units import FIVE_MINUTES_S

log = logging.getLogger(__name__)

RESP_RETRY_S = FIVE_MINUTES_S  # how long HTTP serves before RESP is tried again


class CpaQueue:
    """CPA's queue, by the transport in use."""

    def __init__(self, mode: str, key: Key, on_subscription=lambda _: None, clock=time.monotonic):
        """`mode`: auto, pop, subscribe or http. `on_subscription` is called when a subscription begins (True) and when
        it is left (False)."""
        self._auto = mode == "auto"
        self._key, self._clock, self._on_subscription = key, clock, on_subscription
        self._transport = self._new("pop" if self._auto else mode)
        self._resp = "pop"
        self._try_resp_at = 0.0

    @property
    def mode(self) -> str:
        """The transport in use: pop, subscribe or http."""
        return self._transport.name

    @property
    def subscribed(self) -> bool:
        """Whether a subscription stands."""
        return isinstance(self._transport, SubscribeTransport) and self._transport.subscribed

    def pop(self, limit: int) -> list[bytes]:
        """Up to about `limit` records; [] when there are none now. Raises a QueueError."""
        if self._auto and self.mode == "http" and self._clock() >= self._try_resp_at:
            self._use(self._new(self._resp))
        try:
            return self._transport.pop(limit)
        except (Unavailable, NotResp) as error:
            if isinstance(error, Interrupted) or not self._auto or self.mode == "http":
                raise
            return self._try_http(limit, error)

    def change_to(self, subscription: bool) -> list[bytes]:
        """In mode auto, subscribe, for another program may take records, or pop again; returns what was on its way."""
        self._resp = "subscribe" if subscription else "pop"
        if not self._auto or self.mode in (self._resp, "http"):
            return []
        return self._use(self._new(self._resp))

    def close(self) -> list[bytes]:
        """Disconnect; returns records that were still on their way. The next pop connects again."""
        return self._transport.close()

    def _try_http(self, limit: int, error: QueueError) -> list[bytes]:
        """Pop over HTTP after RESP failed with `error`; when that fails too, RESP stays in use."""
        transport = self._new("http")
        try:
            records = transport.pop(limit)
        except Unavailable as second:
            transport.close()
            raise (second if isinstance(error, NotResp) or isinstance(second, Interrupted) else error) from None
        log.warning("RESP is not available, popping over HTTP instead. %s", error)
        self._try_resp_at = self._clock() + RESP_RETRY_S
        self._use(transport)
        return records

    def _use(self, transport) -> list[bytes]:
        log.info("The queue is read by mode %s now.", transport.name)
        records = self._transport.close()
        self._transport = transport
        return records

    def _new(self, name: str):
        if name == "http":
            from usage.collector.queue.http import HttpTransport  # httpx is large, and most drains never need it

            return HttpTransport(self._key)
        return SubscribeTransport(self._key, self._on_subscription) if name == "subscribe" else PopTransport(self._key)
