"""Which door is used: the one that was asked for, or in mode auto the first that opens."""

import logging
import time
from collections.abc import Callable

from usage.collector.queue.errors import Away, Cut, NotResp, QueueError
from usage.collector.queue.key import Key
from usage.collector.queue.resp import PopDoor, SubscribeDoor

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 300  # how long HTTP serves before RESP is tried once more


class Doors:
    """CPA's queue. `mode` names the door in use: pop, subscribe or http."""

    def __init__(self, mode: str, key: Key, clock=time.monotonic, tell: Callable[[bool], object] = lambda _: None):
        """`mode`: auto, pop, subscribe or http. `tell` hears when a subscription begins (True) and is left (False)."""
        self._auto = mode == "auto"
        self._key, self._clock, self._tell = key, clock, tell
        self._door = self._open("pop" if self._auto else mode)
        self._resp = "pop"
        self._look_again = 0.0

    @property
    def mode(self) -> str:
        return self._door.name

    @property
    def unread(self) -> bool:
        """Whether a part of a large reply was read and the rest waits to be: a pop takes it first."""
        return bool(self._door.unread)

    def pop(self, limit: int) -> list[bytes]:
        """Up to about `limit` records; [] when there are none now. Raises Refused, Away or NotResp."""
        if self._auto and self.mode == "http" and not self.unread and self._clock() >= self._look_again:
            return self._look_at_resp(limit)
        try:
            return self._door.pop(limit)
        except Cut:
            raise
        except (Away, NotResp) as error:
            if not self._auto or self.mode == "http":
                raise
            return self._instead(limit, error)

    def rest(self) -> list[bytes]:
        """The next part of a reply that was read in part, also after `close`. Raises a QueueError."""
        return self._door.rest()

    def starved(self):
        """Another product is subscribed and gets every record: subscribe as well."""
        self._resp = "subscribe"
        if self._auto and self.mode == "pop" and not self.unread:
            self._turn_to(self._open("subscribe"))

    def close(self) -> list[bytes]:
        """Leave the door in use; returns records that were still on their way. It may be used again."""
        return self._door.close()

    def _look_at_resp(self, limit: int) -> list[bytes]:
        door = self._open(self._resp)
        try:
            records = door.pop(limit)
        except Cut:
            raise
        except (Away, NotResp):
            self._look_again = self._clock() + LOOK_AGAIN_SECONDS
            return self._door.pop(limit)
        self._turn_to(door)
        return records

    def _instead(self, limit: int, error: QueueError) -> list[bytes]:
        """Try HTTP after RESP failed; when that fails too, RESP stays the first choice.

        A close that RESP noticed is told first: over HTTP nobody would, and the next contact would hide it.
        """
        self._door.tell_of_a_close()
        door = self._open("http")
        try:
            records = door.pop(limit)
        except Away as second:
            door.close()
            raise (second if isinstance(error, NotResp) or isinstance(second, Cut) else error) from None
        log.warning("RESP is not available, popping over HTTP instead. %s", error)
        self._look_again = self._clock() + LOOK_AGAIN_SECONDS
        self._turn_to(door)
        return records

    def _turn_to(self, door):
        log.info("The queue is read by mode %s now.", door.name)
        self._door.close()
        self._door = door

    def _open(self, name: str):
        if name == "http":
            from usage.collector.queue.http import HttpDoor  # httpx is large, and most drains never need it

            return HttpDoor(self._key)
        return SubscribeDoor(self._key, self._tell) if name == "subscribe" else PopDoor(self._key)
