"""Popped batches on disk until they are stored: CPA keeps no copy, so this is the only one.

One file a batch, named by its time so that names sort by age. In it, after a line that names the format, each record
is: arrival (µs, UTC), length, CRC-32 of both and the bytes, then the bytes.

Records are written to a draft, which survives the death of the process but not that of the machine; sealed, it is on
the disk and a batch, and whole.
"""

import contextlib
import logging
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

from usage.time.clock import now_us

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

    def next_draft(self) -> Path:
        """The name of a draft, later than every earlier one even if the clock was set back."""
        self._last = max(self._last + 1, now_us())
        return self.directory / f"{self._last:020d}.part"

    def take(self, draft: str | Path, size: int) -> Path:
        """Make a draft that is on the disk a batch, which waits to be stored. Raises OSError."""
        path = Path(draft).with_suffix(".batch")
        os.rename(draft, path)
        sync(self.directory)
        self._add(path, size)
        return path

    def discard(self, draft: str):
        """Remove a draft, under whichever of its names."""
        for path in (Path(draft), Path(draft).with_suffix(".batch")):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

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
        """Forget a batch that is stored; a damaged one stays in the folder for people to look at."""
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

    def _add(self, path: Path, size: int):
        with self._lock:
            self._sizes[path] = size
            self._bytes += size
            self._last = max(self._last, int(path.stem))

    def _drop(self, path: Path):
        with self._lock:
            self._bytes -= self._sizes.pop(path, 0)

    def _found(self, suffix: str) -> list[Path]:
        return sorted(path for path in self.directory.glob(f"*.{suffix}") if path.stem.isdecimal())

    def _adopt_drafts(self):
        for path in self._found("part"):
            records, end = _parse(path.read_bytes())
            if not records:
                path.unlink()
                continue
            log.warning("Adopted %d records of a batch that was not finished.", len(records))
            os.truncate(path, end)
            sync(path)
            self.take(path, end)


def framed(records: list[Record]) -> Iterator[bytes]:
    """Records as they stand in a file: what `_parse` reads."""
    for arrived, raw in records:
        head = HEADER.pack(arrived, len(raw))
        yield head + CHECKSUM.pack(zlib.crc32(raw, zlib.crc32(head)))
        yield raw


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


def sync(path: Path):
    """Flush a file, or the names in a folder, to the disk: a new name is safe only when its folder is."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
