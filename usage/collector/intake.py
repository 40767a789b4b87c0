"""From the queue to the disk: each record is written as soon as it is here, and groups of them are sealed."""

import time

from usage.collector.spool import Record, Spool

GROUP_SECONDS = 0.05  # so long a group of a subscriber's records stays open, for one fsync to serve many of them
GROUP_BYTES = 16 * 1024 * 1024  # and no group grows much larger, for the storer holds a batch in memory


class Intake:
    """The records that were popped and are not yet a batch of the spool. Of the reading thread alone."""

    def __init__(self, spool: Spool, clock=time.monotonic):
        self._spool, self._clock = spool, clock
        self._held: list[Record] = []  # until they are sealed: a disk that fails takes the draft with it
        self._bytes, self._opened = 0, 0.0
        self.failed = False

    def __len__(self):
        return len(self._held)

    def add(self, arrived: int, items: list[bytes]):
        """Write `items`, popped at `arrived` (µs UTC). Raises OSError; they stay in hand all the same."""
        if not items:
            return
        if not self._held:
            self._opened = self._clock()
        fresh = [(arrived, raw) for raw in items]
        self._held += fresh
        self._bytes += sum(map(len, items))
        if not self.failed:
            self._write(fresh)

    @property
    def ripe(self) -> bool:
        """Whether a group has been open for long enough, or is large."""
        return bool(self._held) and (self._bytes >= GROUP_BYTES or self._clock() - self._opened >= GROUP_SECONDS)

    def seal(self) -> int:
        """Make a batch of what is in hand; returns how many records. After a failure all of it is written anew.

        Raises OSError.
        """
        if self.failed:
            self._write(self._held)
        self._try(self._spool.seal)
        count, self._held, self._bytes = len(self._held), [], 0
        return count

    def _write(self, records):
        self._try(self._spool.write, records)

    def _try(self, write, *arguments):
        self.failed = True
        write(*arguments)
        self.failed = False
