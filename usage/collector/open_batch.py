"""The batch that is being written: each record is in a file as soon as it arrives, and groups of them are synced."""

import time

from usage.collector.spool import Record, Spool

GROUP_SECONDS = 0.05  # how long a group of a subscription's records stays open, for one fsync to serve many of them
GROUP_BYTES = 16 * 1024 * 1024  # no group grows much larger, for the storer holds a batch in memory


class OpenBatch:
    """The records that were popped and are not yet a batch of the spool; used by the reader's thread alone."""

    def __init__(self, spool: Spool, clock=time.monotonic):
        self._spool, self._clock = spool, clock
        self._records: list[Record] = []  # until they are sealed: a disk that fails takes the draft with it
        self._bytes, self._opened_at = 0, 0.0
        self.failed = False

    def __len__(self):
        return len(self._records)

    def add(self, arrived: int, items: list[bytes]):
        """Write `items`, popped at `arrived` (µs since the epoch). Raises OSError; they are kept in memory even so."""
        if not items:
            return
        if not self._records:
            self._opened_at = self._clock()
        fresh = [(arrived, raw) for raw in items]
        self._records += fresh
        self._bytes += sum(map(len, items))
        if not self.failed:
            self._write(fresh)

    @property
    def ripe(self) -> bool:
        """Whether it should be sealed: it has been open for long enough, or is large."""
        if not self._records:
            return False
        return self._bytes >= GROUP_BYTES or self._clock() - self._opened_at >= GROUP_SECONDS

    def seal(self) -> int:
        """Make it a batch of the spool; returns how many records. After a failure all of them are written again.

        Raises OSError.
        """
        if self.failed:
            self._write(self._records)
        self.failed = True
        self._spool.seal()
        self.failed = False
        count, self._records, self._bytes = len(self._records), [], 0
        return count

    def _write(self, records: list[Record]):
        self.failed = True
        self._spool.write(records)
        self.failed = False
