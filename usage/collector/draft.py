"""The batch that is being written: each record is in a file as soon as it arrives, and groups of them are synced."""

import contextlib
import os
import time
from typing import BinaryIO

from usage.collector.framing import MAGIC, Record, framed
from usage.collector.spool import Spool

GROUP_SECONDS = 0.05  # how long a group of a subscription's records stays open, for one fsync to serve many of them
GROUP_BYTES = 16 * 1024 * 1024  # no group grows much larger, for the storer holds a batch in memory
BUFFER_BYTES = 1024 * 1024  # each write to the file hands the interpreter to the thread that stores


class Draft:
    """The records that were popped and are not yet a batch of the spool; used by the reader's thread alone.

    After an OSError nothing of it is on the disk; `give_up` returns its records.
    """

    def __init__(self, spool: Spool, clock=time.monotonic):
        self._spool, self._clock = spool, clock
        self._records: list[Record] = []  # until they are sealed: a disk that fails takes the file with it
        self._file: BinaryIO | None = None
        self._bytes, self._opened_at = 0, 0.0

    def __len__(self):
        return len(self._records)

    @property
    def ripe(self) -> bool:
        """Whether to seal it: it has been open for long enough, or has grown large."""
        if not self._records:
            return False
        return self._bytes >= GROUP_BYTES or self._clock() - self._opened_at >= GROUP_SECONDS

    def add(self, records: list[Record]):
        """Write `records`: on return they outlive this process. Raises OSError."""
        if not records:
            return
        if not self._records:
            self._opened_at = self._clock()
        self._records += records
        self._bytes += sum(len(raw) for _, raw in records)
        with self._nothing_half_done():
            if self._file is None:
                path = self._spool.next_draft()
                self._file = open(path, "xb", buffering=BUFFER_BYTES, opener=_private)  # noqa: SIM115  until sealed
                self._file.write(MAGIC)
            self._file.writelines(framed(records))
            self._file.flush()

    def seal(self) -> int:
        """Make it a batch, which outlives the machine; returns how many records. Raises OSError."""
        with self._nothing_half_done():
            os.fsync(self._file.fileno())
            self._spool.take(self._file.name, self._file.tell())
        self._file.close()
        count = len(self._records)
        self._empty()
        return count

    def _empty(self):
        self._records, self._bytes, self._file = [], 0, None

    def give_up(self) -> list[Record]:
        """The records, after an OSError; the draft is empty then."""
        records = self._records
        self._empty()
        return records

    @contextlib.contextmanager
    def _nothing_half_done(self):
        """Remove the whole file on an OSError."""
        try:
            yield
        except OSError:
            if self._file:
                with contextlib.suppress(OSError):  # closing writes what the full disk did not take
                    self._file.close()
                self._spool.discard(self._file.name)
            raise


def write_held(spool: Spool):
    """Write the records held in memory to disk, in pieces that start with one record, so that little room is enough.

    Raises OSError; pieces written before the error are batches.
    """
    for path in spool.held.names():
        size = 1
        while records := spool.held.records(path)[:size]:
            piece = Draft(spool)
            piece.add(records)
            piece.seal()
            spool.held.remove(path, size)
            size *= 2


def _private(path, flags):
    return os.open(path, flags, 0o600)
