"""The batch that is being written: each record is in a file as soon as it arrives, and groups of them are synced."""

import contextlib
import os
import time
from typing import BinaryIO

from usage.collector.spool import MAGIC, Record, Spool, framed

GROUP_SECONDS = 0.05  # how long a group of a subscription's records stays open, for one fsync to serve many of them
GROUP_BYTES = 16 * 1024 * 1024  # no group grows much larger, for the storer holds a batch in memory
BUFFER_BYTES = 1024 * 1024  # each write to the file hands the interpreter to the thread that stores


class Draft:
    """The records that were popped and are not yet a batch of the spool; used by the reader's thread alone."""

    def __init__(self, spool: Spool, clock=time.monotonic):
        self._spool, self._clock = spool, clock
        self._records: list[Record] = []  # until they are sealed: a disk that fails takes the file with it
        self._file: BinaryIO | None = None
        self._bytes, self._opened_at = 0, 0.0

    def __len__(self):
        return len(self._records)

    @property
    def failed(self) -> bool:
        """Whether the disk failed, so that the records are in memory alone."""
        return bool(self._records) and self._file is None

    @property
    def ripe(self) -> bool:
        """Whether it should be sealed: it has been open for long enough, or is large."""
        if not self._records:
            return False
        return self._bytes >= GROUP_BYTES or self._clock() - self._opened_at >= GROUP_SECONDS

    def add(self, arrived: int, items: list[bytes]):
        """Write `items`, popped at `arrived` (µs since the epoch): on return they outlive this process.

        Raises OSError; they are kept in memory even so. After a failure nothing is written before `seal`.
        """
        if not items:
            return
        if not self._records:
            self._opened_at = self._clock()
        failed, fresh = self.failed, [(arrived, raw) for raw in items]
        self._records += fresh
        self._bytes += sum(map(len, items))
        if not failed:
            self._write(fresh)

    def seal(self) -> int:
        """Make it a batch, which outlives the machine; returns how many records. After a failure all are written again.

        Raises OSError.
        """
        if self.failed:
            self._write(self._records)
        with self._nothing_half_done():
            os.fsync(self._file.fileno())
            self._spool.take(self._file.name, self._file.tell())
        self._file.close()
        count, self._records, self._bytes, self._file = len(self._records), [], 0, None
        return count

    def _write(self, records: list[Record]):
        with self._nothing_half_done():
            if self._file is None:
                path = self._spool.next_draft()
                self._file = open(path, "xb", buffering=BUFFER_BYTES, opener=_private)  # noqa: SIM115  until sealed
                self._file.write(MAGIC)
            self._file.writelines(framed(records))
            self._file.flush()

    @contextlib.contextmanager
    def _nothing_half_done(self):
        """On an OSError nothing of the file stays."""
        try:
            yield
        except OSError:
            file, self._file = self._file, None
            if file:
                with contextlib.suppress(OSError):  # closing writes what the full disk did not take
                    file.close()
                self._spool.discard(file.name)
            raise


def _private(path, flags):
    return os.open(path, flags, 0o600)
