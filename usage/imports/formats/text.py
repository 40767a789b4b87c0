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
        with self.opened() as stream:
            position = stream.seek(after)
            while line := stream.readline(LONGEST):
                if len(line) == LONGEST:
                    raise Refused(_("A line is longer than 32 MB: this is no export of usage."))
                position += len(line)
                self.refuse_a_bomb(position)
                yield position, line
        refuse_a_change(self._path, self._status)

    def block(self, stream: BinaryIO, size: int) -> bytes:
        """So many bytes of the opened text, b"" at its end."""
        block = stream.read(size)
        self.refuse_a_bomb(stream.tell())
        if not block:
            refuse_a_change(self._path, self._status)
        return block

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The text from its beginning; raises Refused for all that is wrong with the file."""
        try:
            with gzip.open(self._path) if self._packed else self._path.open("rb") as stream:
                yield stream
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise Refused(_("The compressed file is cut off or damaged.")) from None
        except OSError as error:
            raise Refused(_("It cannot be read: %s.") % error.strerror) from None

    def refuse_a_bomb(self, position: int):
        """Raise Refused where a compressed file unpacks to more than usage would."""
        if position > self._most:
            raise Refused(_("It unpacks to far more than usage does: unpack it yourself if it is sound."))


def refuse_a_change(path: Path, before: stat_result):
    """Raise Refused where the file is another one than before, or was written to."""
    now = path.stat() if path.exists() else None
    if now is None or any(getattr(now, name) != getattr(before, name) for name in ("st_ino", "st_size", "st_mtime_ns")):
        raise Refused(_("It changed while it was read: wait until it is complete, and import it again."))
