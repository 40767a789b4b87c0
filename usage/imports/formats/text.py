"""A file of text, plain or compressed by gzip, read as a stream: a line or a block of it is in memory, never more."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from os import stat_result
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext as _

from usage.imports.formats.source import Refused

BLOCK = 1 << 18
LONGEST = 32 << 20  # bytes of a line, or of one value
RATIO = 200  # of a compressed file; usage reaches 30 at most
HARMLESS = 64 << 20  # bytes that a file of any ratio may unpack to
MOST = 64 << 30  # bytes that a compressed file may unpack to
GZIP = b"\x1f\x8b"


class TextFile:
    """A regular file that begins with `head`. Positions are bytes of the unpacked text."""

    def __init__(self, path: Path, status: stat_result, head: bytes):
        self._path, self._status, self._packed = path, status, head.startswith(GZIP)
        size = status.st_size
        self.size = size * 10 if self._packed else size  # bytes; of a compressed file an estimate
        self._most = min(MOST, max(HARMLESS, RATIO * size)) if self._packed else inf

    def lines(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """(position behind it, line with its end) of the lines behind a position. The last one may lack its end."""
        yield from self._parts("readline", LONGEST, after)

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """(position behind it, block) of the whole text."""
        yield from self._parts("read", BLOCK, 0)

    def _parts(self, how, size, after):
        with self.opened() as stream:
            position, read = stream.seek(after), getattr(stream, how)
            while part := read(size):
                position += len(part)
                if len(part) == LONGEST:
                    raise Refused(_("A line is longer than 32 MB: this is no export of usage."))
                if position > self._most:
                    raise Refused(_("It unpacks to far more than usage does: unpack it yourself if it is sound."))
                yield position, part
        refuse_a_change(self._path, self._status)

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The text from its beginning; raises Refused for all that is wrong with the file."""
        try:
            with gzip.open(self._path) if self._packed else self._path.open("rb") as stream:
                yield stream
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise Refused(_("The compressed file is cut off or damaged.")) from None
        except OSError as error:
            raise Refused(_("It cannot be read: %s."), error.strerror) from None


def refuse_a_change(path: Path, before: stat_result):
    """Raise Refused where the file is another one than before, or was written to."""
    now = path.stat() if path.exists() else None
    if now is None or any(getattr(now, name) != getattr(before, name) for name in ("st_ino", "st_size", "st_mtime_ns")):
        raise Refused(_("It changed while it was read: wait until it is complete, and import it again."))
