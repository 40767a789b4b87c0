"""Popped batches on disk until they are stored: CPA keeps no copy, so this is the only one.

One file a batch, named by its time so that names sort by age; a file appears whole or not at all. In it, after a line
that names the format, each record is: arrival (µs, UTC), length, CRC-32 of both and the bytes, then the bytes.
"""

import contextlib
import logging
import os
import struct
import threading
import time
import zlib
from pathlib import Path

log = logging.getLogger(__name__)

MAGIC = b"cpa-usage spool 1\n"
HEADER = struct.Struct(">qI")
CHECKSUM = struct.Struct(">I")
DEFAULT_MAX_BYTES = 512 * 1024 * 1024

Record = tuple[int, bytes]  # arrival in µs since the epoch UTC, raw bytes


class Spool:
    """The waiting batches of one directory; one process at a time may use it, from two threads."""

    def __init__(self, directory: Path, max_bytes: int = DEFAULT_MAX_BYTES):
        """Adopts what an earlier process left: whole batches, whole records of a torn one, batches set aside."""
        self.directory, self.max_bytes = Path(directory), max_bytes
        self._lock = threading.Lock()
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory.chmod(0o700)
        self._damaged: set[Path] = set()
        self._sizes: dict[Path, int] = {}
        self._bytes = self._last = 0
        for path in self._found("aside"):
            path.rename(path.with_suffix(".batch"))
        for path in self._found("batch"):
            self._add(path, path.stat().st_size)
        self._adopt_drafts()

    def append(self, arrived: int, items: list[bytes]) -> Path:
        """Keep `items`, popped at `arrived` (µs UTC); on return they are on the disk. Raises OSError."""
        return self._write([(arrived, raw) for raw in items])

    def pending(self) -> list[Path]:
        """The waiting batches, oldest first."""
        with self._lock:
            return list(self._sizes)

    def read(self, path: Path) -> list[Record]:
        """The records of a batch; of a damaged one those before the damage. Raises OSError."""
        data = path.read_bytes()
        records, end = _parse(data)
        if (end != len(data) or not end) and path not in self._damaged:
            log.error("%s is damaged after %d records; it is kept as .damaged.", path.name, len(records))
            self._damaged.add(path)
        return records

    def remove(self, path: Path):
        """Forget a batch that is stored; a damaged one stays beside the others for people to look at."""
        self._drop(path)
        with contextlib.suppress(OSError):  # what stays by a fault of the disk is stored again at the next start
            path.rename(path.with_suffix(".damaged")) if path in self._damaged else path.unlink()

    def set_aside(self, path: Path):
        """Take a batch that cannot be stored out of the way; the next start tries it again."""
        self._drop(path)
        with contextlib.suppress(OSError):  # gone, or on a disk that fails: then it is out of the way as well
            path.rename(path.with_suffix(".aside"))

    @property
    def depth(self) -> int:
        """How many batches wait."""
        return len(self._sizes)

    @property
    def bytes(self) -> int:
        """How large they are together."""
        return self._bytes

    @property
    def full(self) -> bool:
        """Whether no more should be popped for now."""
        return self.bytes >= self.max_bytes

    @property
    def newest(self) -> int:
        """When the newest batch was written, µs since the epoch; 0 when none waits."""
        with self._lock:
            return int(next(reversed(self._sizes)).stem) if self._sizes else 0

    def _write(self, records: list[Record]) -> Path:
        name = self._next_name()
        draft, path = self.directory / f"{name}.part", self.directory / f"{name}.batch"
        try:
            size = _dump(draft, records)
            draft.rename(path)
            _sync_directory(self.directory)
        except OSError:
            for half_done in (draft, path):
                with contextlib.suppress(OSError):
                    half_done.unlink(missing_ok=True)
            raise
        self._add(path, size)
        return path

    def _add(self, path: Path, size: int):
        with self._lock:
            self._sizes[path] = size
            self._bytes += size
            self._last = max(self._last, int(path.stem))

    def _drop(self, path: Path):
        with self._lock:
            self._bytes -= self._sizes.pop(path, 0)

    def _next_name(self) -> str:
        """Later than every earlier name, even if the clock was set back."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return f"{self._last:020d}"

    def _found(self, suffix: str) -> list[Path]:
        return sorted(path for path in self.directory.glob(f"*.{suffix}") if path.stem.isdecimal())

    def _adopt_drafts(self):
        for path in self._found("part"):
            records, _ = _parse(path.read_bytes())
            if records:
                log.warning("Adopted %d records of a batch whose writing was interrupted.", len(records))
                self._write(records)
            path.unlink()


def _dump(path: Path, records: list[Record]) -> int:
    """Write `records` to a new file and wait for the disk; returns its size."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(MAGIC)
        for arrived, raw in records:
            head = HEADER.pack(arrived, len(raw))
            file.write(head + CHECKSUM.pack(zlib.crc32(raw, zlib.crc32(head))))
            file.write(raw)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _parse(data: bytes) -> tuple[list[Record], int]:
    """The whole records at the beginning of `data`, and where they end."""
    if not data.startswith(MAGIC):
        return [], 0
    records, at, prefix = [], len(MAGIC), HEADER.size + CHECKSUM.size
    while at + prefix <= len(data):
        head = data[at : at + HEADER.size]
        arrived, length = HEADER.unpack(head)
        raw = data[at + prefix : at + prefix + length]
        if len(raw) != length or CHECKSUM.unpack_from(data, at + HEADER.size)[0] != zlib.crc32(raw, zlib.crc32(head)):
            break
        records.append((arrived, raw))
        at += prefix + length
    return records, at


def _sync_directory(directory: Path):
    """A new name is safe only when its directory is."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
