"""Popped records that the disk did not take: in memory alone, until the database or the disk has them."""

import contextlib
import os
import struct
import threading
from pathlib import Path
from typing import NamedTuple

from usage.collector.framing import Record
from usage.time.clock import now_us

NOTE = struct.Struct(">qqq")
MOST = 10**9  # records: a file that says more is damaged


class InHand(NamedTuple):
    """How many records exist only in memory, and when the first and the last arrived (µs since the epoch)."""

    count: int
    first: int
    last: int


class Held:
    """Batches in memory, by the names they would have on the disk; two threads may use it.

    A process that dies cannot say what it held, so a file in the spool's folder says it meanwhile. That is made
    beforehand and written in place, which a full disk allows.
    """

    def __init__(self, directory: Path):
        """`left_behind`: what an earlier process held when it ended, or None."""
        self._path, self._lock = Path(directory) / "in-hand", threading.Lock()
        self._batches: dict[Path, list[Record]] = {}
        self.left_behind = self._noted()
        self._note()

    def __len__(self):
        return len(self._batches)

    def names(self) -> list[Path]:
        """The batches, oldest first."""
        with self._lock:
            return list(self._batches)

    def records(self, path: Path) -> list[Record]:
        """The records of a batch; none when it is gone."""
        return self._batches.get(path, [])

    def add(self, path: Path, records: list[Record]):
        """Hold records."""
        with self._lock:
            self._batches[path] = records
            self._note()

    def remove(self, path: Path, count: int = MOST):
        """Forget a batch that is stored, or the first `count` records of it, which are on the disk."""
        with self._lock:
            if path in self._batches:
                self._batches[path] = self._batches[path][count:]
                if not self._batches[path]:
                    del self._batches[path]
                self._note()

    def put_last(self, path: Path):
        """Move this batch behind the others."""
        with self._lock:
            if records := self._batches.pop(path, None):
                self._batches[path] = records

    def in_hand(self) -> InHand | None:
        """What is held now; None for nothing."""
        arrived = [at for batch in self._batches.values() for at, _ in batch]
        return InHand(len(arrived), min(arrived), max(arrived)) if arrived else None

    def give_up(self) -> InHand | None:
        """Forget what is held, because this process ends, and return what it was; the file tells of it."""
        with self._lock:
            lost = self.in_hand()
            self._batches.clear()
            self.left_behind = self.left_behind or lost
            return lost

    def recorded(self):
        """What an earlier process held, or what was given up, is recorded: the file need not tell of it any more."""
        with self._lock:
            self.left_behind = None
            self._note()

    def _note(self):
        found = [each for each in (self.left_behind, self.in_hand()) if each] or [InHand(0, 0, 0)]
        counts, first, last = zip(*found, strict=True)
        with contextlib.suppress(OSError):  # of a disk that fails, or of what is no file
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK, 0o600)
            with open(handle, "wb", buffering=0) as file:
                file.write(NOTE.pack(sum(counts), min(first), max(last)))
                os.fsync(handle)

    def _noted(self):
        with contextlib.suppress(OSError, struct.error):
            noted = InHand(*NOTE.unpack(self._path.read_bytes() if self._path.is_file() else b""))
            if 0 < noted.count < MOST and 0 <= noted.first <= noted.last <= now_us():
                return noted
        return None
