"""The storer: takes the oldest spooled batches to the database, several small ones in one transaction."""

import time
import traceback
from pathlib import Path
from typing import NamedTuple

from django.db import DataError, Error, IntegrityError

from usage.collector.framing import Record
from usage.collector.spool import Spool
from usage.time.clock import now_us

ENOUGH_RECORDS = 5_000  # merged into one transaction: more are hardly quicker, and 5,000 take 20 MB of memory
ENOUGH_BYTES = 16 * 1024 * 1024
TRIES = 3  # with one batch alone


class Batch(NamedTuple):
    """What a step stored: how much, what became of it (usage.ingest.writer.Stored), how long that took, and how long
    the oldest record had waited."""

    records: int
    stored: tuple
    seconds: float
    lag_ms: int


class StoringFailed(Exception):
    """A batch the writer cannot store although the database is there; the text is safe to log."""


class Storer:
    """Stores the spool with a writer: an object with `store(batch) -> Stored`."""

    def __init__(self, spool: Spool, writer):
        self._spool, self._writer = spool, writer
        self._failures = 0  # of the oldest batches, which are stored one by one from the first on

    def step(self) -> Batch | None:
        """Store the oldest batches and remove them; None when the spool is empty.

        Raises django.db.Error when the database is away, StoringFailed when it answers and the writer failed.
        """
        began = time.monotonic()
        paths, records = self._oldest()
        if not paths:
            return None
        stored = self._store(paths, records)
        for path in paths:
            self._spool.remove(path)
        self._failures = 0
        lag = max(0, now_us() - records[0][0]) // 1000 if records else 0
        return Batch(len(records), stored, time.monotonic() - began, lag)

    def _oldest(self) -> tuple[list[Path], list[Record]]:
        paths, records, size = [], [], 0
        for path in self._spool.pending():
            if paths and (self._failures or len(records) >= ENOUGH_RECORDS or size >= ENOUGH_BYTES):
                break
            found = self._read(path)
            paths.append(path)
            records += found
            size += sum(len(raw) for _, raw in found)
        return paths, records

    def _read(self, path: Path) -> list[Record]:
        try:
            return self._spool.read(path)
        except OSError as error:
            self._spool.set_aside(path)
            raise StoringFailed(f"The batch {path.stem} cannot be read and was put aside: {error.strerror}.") from None

    def _store(self, paths: list[Path], records: list[Record]):
        try:
            return self._writer.store(records)
        except Exception as error:
            if isinstance(error, Error) and not isinstance(error, DataError | IntegrityError):
                raise
            self._fail(paths, error)

    def _fail(self, paths: list[Path], error: Exception):
        """Go on with one batch at a time; one that fails again and again is put aside, so that the others are stored.

        The error's own words may quote a record, so only its kind and place are reported.
        """
        place = traceback.extract_tb(error.__traceback__)[-1]
        sentence = f"Storing failed with {type(error).__name__} in {Path(place.filename).name}:{place.lineno}."
        self._failures += 1
        if self._failures > TRIES:
            self._failures = 1
            self._spool.set_aside(paths[0])
            sentence += f" The batch {paths[0].stem} was put aside; the next start tries it again."
        raise StoringFailed(sentence) from None
