"""Popped batches on disk until they are stored: CPA keeps no copy, so this is the only one.

One file a batch, named by its time so that names sort by age; framing.py says what is in it. Records are written to a
draft, which survives the death of the process but not that of the machine; sealed, it is on the disk and a batch, and
whole. What a full disk does not take is held in memory, for the database or the disk to take later.
"""

import contextlib
import errno
import logging
import os
import re
import shutil
import stat
import tempfile
import threading
from pathlib import Path

from usage.collector.framing import Record, found_in, is_torn
from usage.collector.held import Held
from usage.time.clock import now_us

log = logging.getLogger(__name__)

NAME = re.compile(r"0[0-9]{19}", re.ASCII)  # µs since the epoch
DEFAULT_MAX_BYTES = 512 * 1024 * 1024
PROBE_BYTES = 4096


class Spool:
    """The waiting batches of one directory; one process at a time may use it, from two threads."""

    reserve = 0  # bytes of the disk that no draft may take

    def __init__(self, directory: Path, max_bytes: int = DEFAULT_MAX_BYTES):
        """Adopts what an earlier process left: whole batches, whole records of a torn one, batches set aside."""
        self.directory, self.max_bytes = Path(directory), max_bytes
        self._lock = threading.Lock()
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory.chmod(0o700)
        self.held = Held(self.directory)
        self._told: set[Path] = set()
        self._sizes: dict[Path, int] = {}
        self.bytes = 0  # how large they are together on the disk
        self._last = 0
        for path in self._found("aside") + self._found("damaged"):
            batch = path.with_suffix(".batch")
            path.rename(self._named("batch") if batch.exists() else batch)
        for path in self._found("batch"):
            self._add(path, path.stat().st_size)
        for path in self._found("part"):
            self._adopt(path)

    def next_draft(self) -> Path:
        """The name of a draft, later than every earlier one even if the clock was set back.

        Raises OSError when there is no more room on the disk than the database needs to take what waits.
        """
        if self.reserve and shutil.disk_usage(self.directory).free < self.reserve:
            raise OSError(errno.ENOSPC, "No more room than the database needs")
        return self._named("part")

    def take(self, draft: str | Path, size: int):
        """Make a draft that is on the disk a batch, which waits to be stored. Raises OSError."""
        path = Path(draft).with_suffix(".batch")
        os.rename(draft, path)
        sync(self.directory)
        self._add(path, size)

    def discard(self, draft: str):
        """Remove a draft, under whichever of its names."""
        for path in (Path(draft), Path(draft).with_suffix(".batch")):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def is_writable(self) -> bool:
        """Whether a small batch could be written now."""
        with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=self.directory) as probe:
            probe.write(bytes(PROBE_BYTES))
            os.fsync(probe.fileno())
            return shutil.disk_usage(self.directory).free >= self.reserve
        return False

    def hold(self, records: list[Record]):
        """Keep records in memory that the disk does not take; they are a batch too, and the latest."""
        self.held.add(self._named("held"), records)

    def pending(self) -> list[Path]:
        """The waiting batches, oldest first."""
        with self._lock:
            return [*self._sizes, *self.held.names()]

    def read(self, path: Path) -> list[Record]:
        """The records of a batch; a damaged one has become one that is a dead letter. Raises OSError."""
        if path.suffix == ".held":  # none when the disk has taken them meanwhile: then they are another batch
            return self.held.records(path)
        records, _, damaged = found_in(path.read_bytes(), int(path.stem))
        if damaged and path not in self._told:
            log.error("%s is damaged in %d places: what they held becomes a dead letter.", path.name, damaged)
            self._told.add(path)
        return records

    def remove(self, path: Path):
        """Forget a batch that is stored."""
        self.held.remove(path)
        self._drop(path)
        with contextlib.suppress(OSError):  # what stays by a fault of the disk is stored again at the next start
            path.unlink()

    def set_aside(self, path: Path):
        """Take a batch that cannot be stored out of the way; the next start tries it again. Memory has no aside."""
        if path.suffix == ".held":
            self.held.put_last(path)
            return
        self._drop(path)
        _put_aside(path)

    @property
    def depth(self) -> int:
        """How many batches wait."""
        return len(self._sizes) + len(self.held)

    def _named(self, suffix: str) -> Path:
        self._last = max(self._last + 1, now_us())
        return self.directory / f"{self._last:020d}.{suffix}"

    def _add(self, path: Path, size: int):
        with self._lock:
            self._sizes[path] = size
            self.bytes += size
            self._last = max(self._last, int(path.stem))

    def _drop(self, path: Path):
        with self._lock:
            self.bytes -= self._sizes.pop(path, 0)

    def _found(self, suffix: str) -> list[Path]:
        """The files of that kind, oldest first; what bears such a name and is no file is put aside."""
        paths = sorted(path for path in self.directory.glob(f"*.{suffix}") if NAME.fullmatch(path.stem))
        files = [path for path in paths if stat.S_ISREG(path.lstat().st_mode)]
        for path in set(paths) - set(files):
            log.error("%s in the spool is no file of ours and is put aside.", path.name)
            _put_aside(path)
        return files

    def _adopt(self, path: Path):
        """Make a draft of a process that died a batch, as far as it was written."""
        try:
            data = path.read_bytes()
        except OSError as error:
            log.error("%s in the spool cannot be read and is put aside: %s.", path.name, error.strerror)
            _put_aside(path)
            return
        records, end, _ = found_in(data, int(path.stem))
        if is_torn(data, end):
            records.pop()
        if not records:
            path.unlink()
            return
        log.warning("Adopted %d records of a batch that was not finished.", len(records))
        if is_torn(data, end):
            os.truncate(path, end)
        sync(path)
        self.take(path, path.stat().st_size)


def _put_aside(path: Path):
    with contextlib.suppress(OSError):  # gone, or on a disk that fails: then it is out of the way as well
        path.rename(path.with_suffix(".aside"))


def sync(path: Path):
    """Flush a file, or the names in a folder, to the disk: a new name is safe only when its folder is."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
