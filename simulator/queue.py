"""CPA's usage queue: records wait for a pop until retention runs out, or go straight to subscribers."""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice, repeat

BUFFER = 256  # messages a subscriber may lag before it is dropped
HISTORY_SLICE = 50_000  # records one pop takes from a lazy history at most: memory stays bounded

SUPPORT_REFRESH = b'{"support_refresh":true}'
REFRESH = b'{"refresh":true}'


class UsageQueue:
    """Used from one thread only (the server's loop). Records are bytes; times are seconds of `clock`."""

    def __init__(self, retention_seconds: float, clock: Callable[[], float]):
        self.retention_seconds, self.clock = retention_seconds, clock
        self.enabled = True
        self.history: Iterator[bytes] | None = None
        self.popped = self.published = self.expired = self.dropped = 0
        self.subscribers: list = []
        self._records: deque[bytes] = deque()
        self._times: deque[float] = deque()

    def __len__(self):
        self._expire()
        return len(self._records)

    def put(self, records: list[bytes]) -> None:
        """Hand records to every subscriber; without one they wait. With statistics off they vanish in silence."""
        if not self.enabled:
            return
        if self.subscribers:
            self._publish_each(records)
        else:
            self._wait(records)

    def pop(self, count: int) -> list[bytes]:
        """The oldest `count` records, fewer when fewer wait. A lazy history comes before what waits."""
        taken = self._from_history(count)
        if not taken:
            self._expire()
            taken = _take(self._records, min(count, len(self._records)))
            _take(self._times, len(taken))
        self.popped += len(taken)
        return taken

    def refresh(self) -> None:
        """Tell the subscribers that metadata changed; nothing is queued for those who pop."""
        for subscriber in self.subscribers[:]:
            self._deliver(subscriber, REFRESH)

    def clear(self) -> None:
        """What a restart does: nothing of the queue is on disk."""
        self._records.clear()
        self._times.clear()
        self.subscribers.clear()
        self.history = None

    def _publish_each(self, records: list[bytes]) -> None:
        for position, record in enumerate(records):
            if not self.subscribers:  # the last one was dropped on the way: the rest waits for a pop
                self._wait(records[position:])
                return
            lost = [self._deliver(subscriber, record) for subscriber in self.subscribers[:]].count(False)
            self.published += len(self.subscribers)
            self.dropped += lost

    def _deliver(self, subscriber, message: bytes) -> bool:
        if subscriber.deliver(message):
            return True
        self.subscribers.remove(subscriber)
        return False

    def _wait(self, records: list[bytes]) -> None:
        self._records.extend(records)
        self._times.extend(repeat(self.clock(), len(records)))

    def _expire(self) -> None:
        limit = self.clock() - self.retention_seconds
        while self._times and self._times[0] <= limit:
            self._times.popleft()
            self._records.popleft()
            self.expired += 1

    def _from_history(self, count: int) -> list[bytes]:
        if self.history is None:
            return []
        taken = list(islice(self.history, min(count, HISTORY_SLICE)))
        if not taken:
            self.history = None
        return taken


class Subscriber:
    """One SUBSCRIBE connection: writes while TCP takes it, buffers BUFFER messages, then is cut off."""

    def __init__(self, transport, channel: str):
        self.transport, self.channel = transport, channel
        self.blocked = False
        self.cut_off = False
        self._backlog: deque[bytes] = deque()

    def deliver(self, message: bytes) -> bool:
        """False when the buffer is full: this message is lost to it, and it gets what is buffered and no more."""
        if not self.blocked:
            self.transport.write(framed(self.channel, message))
        elif len(self._backlog) < BUFFER:
            self._backlog.append(message)
        else:
            self.cut_off = True
        return not self.cut_off

    def unblock(self) -> None:
        """TCP takes bytes again: write what is buffered until it no longer does, then close one that was cut off."""
        self.blocked = False
        while self._backlog and not self.blocked:
            self.transport.write(framed(self.channel, self._backlog.popleft()))
        if self.cut_off and not self._backlog:
            self.transport.close()


def framed(channel: str, message: bytes) -> bytes:
    """A RESP `message` push of this channel."""
    name = channel.encode()
    return b"*3\r\n$7\r\nmessage\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(name), name, len(message), message)


def _take(waiting: deque, count: int) -> list:
    popleft = waiting.popleft
    return [popleft() for _ in repeat(None, count)]
