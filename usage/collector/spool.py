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
from typing import BinaryIO

from usage.time.clock import now_us

log = logging.getLogger(__name__)

MAGIC = b"cpa-usage spool 1\n"
HEADER = struct.Struct(">qI")
CHECKSUM = struct.Struct(">I")
DEFAULT_MAX_BYTES = 512 * 1024 * 1024
BUFFER_BYTES = 1024 * 1024  # each write to the file hands the interpreter to the thread that stores

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
        self._draft: BinaryIO | None = None  # of the reading thread alone
        for path in self._found("aside"):
            path.rename(path.with_suffix(".batch"))
        for path in self._found("batch"):
            self._add(path, path.stat().st_size)
        self._adopt_drafts()

    def write(self, records: list[Record]):
        """Add `records` to the draft: on return they outlive this process.

        Raises OSError; then the draft is gone, with all that was written since the last seal.
        """
        with self._discard_draft_on_error():
            if self._draft is None:
                path = self.directory / f"{self._next_name()}.part"
                self._draft = open(path, "xb", buffering=BUFFER_BYTES, opener=_private)  # noqa: SIM115  until sealed
                self._draft.write(MAGIC)
            self._draft.writelines(_framed(records))
            self._draft.flush()

    def seal(self) -> Path:
        """Make the draft a batch, which waits to be stored and outlives the machine. Raises OSError as `write`."""
        draft = Path(self._draft.name)
        path = draft.with_suffix(".batch")
        with self._discard_draft_on_error():
            os.fsync(self._draft.fileno())
            size = self._draft.tell()
            draft.rename(path)
            _sync_directory(self.directory)
        self._draft.close()
        self._draft = None
        self._add(path, size)
        return path

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

    @contextlib.contextmanager
    def _discard_draft_on_error(self):
        """On an OSError nothing of the draft stays, under neither of its names."""
        try:
            yield
        except OSError:
            draft, self._draft = self._draft, None
            if draft:
                _throw_away(draft)
            raise

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
        self._last = max(self._last + 1, now_us())
        return f"{self._last:020d}"

    def _found(self, suffix: str) -> list[Path]:
        return sorted(path for path in self.directory.glob(f"*.{suffix}") if path.stem.isdecimal())

    def _adopt_drafts(self):
        for path in self._found("part"):
            records, _ = _parse(path.read_bytes())
            if records:
                log.warning("Adopted %d records of a batch that was not finished.", len(records))
                self.write(records)
                self.seal()
            path.unlink()


def _framed(records: list[Record]) -> Iterator[bytes]:
    """What `_parse` reads."""
    for arrived, raw in records:
        head = HEADER.pack(arrived, len(raw))
        yield head + CHECKSUM.pack(zlib.crc32(raw, zlib.crc32(head)))
        yield raw


def _private(path, flags):
    return os.open(path, flags, 0o600)


def _throw_away(draft: BinaryIO):
    path = Path(draft.name)
    with contextlib.suppress(OSError):  # closing writes what the full disk did not take
        draft.close()
    for half_done in (path, path.with_suffix(".batch")):
        with contextlib.suppress(OSError):
            half_done.unlink(missing_ok=True)


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
