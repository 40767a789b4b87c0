"""CPA's RESP replies, read in bounded memory: no line or record that is too long is held whole, nor any large reply."""

import logging
import re
import ssl

import redis

log = logging.getLogger(__name__)

CHUNK_BYTES = 64 * 1024  # read from the socket at once
LONGEST_LINE = 64 * 1024  # of a header or an error
LONGEST_RECORD = 32 * 1024 * 1024
KEPT_BYTES = 64 * 1024  # of a longer one
PART_BYTES = 4 * 1024 * 1024  # of a larger reply, handed on before more is read
CLOSED = "Connection closed by server."
KINDS = ARRAY, BULK, ERROR, INTEGER, SIMPLE = b"*$-:+"
_BULK_HEAD = re.compile(rb"\$(\d{1,8})\r\n")
_NOTHING_YET = (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Part(list):
    """The first or next items of an array, of which `unread` are still to come."""

    unread = 0


class Replies:
    """A parser for redis-py's Connection. It knows what CPA sends: arrays hold no arrays."""

    def __init__(self, socket_read_size: int = CHUNK_BYTES):
        self._size = socket_read_size
        self.on_disconnect()

    def on_connect(self, connection):
        self._sock, self._timeout = connection._sock, connection.socket_timeout

    def on_disconnect(self):
        self._sock, self._buffer, self._at = None, b"", 0
        self._unread, self._broken = 0, None  # of an array that is read in parts: items, and what ended it

    def can_read(self, timeout: float = 0) -> bool:
        """Whether something is there within `timeout` seconds. Raises redis.ConnectionError when CPA has closed."""
        if self._at < len(self._buffer):
            return True
        self._sock.settimeout(timeout)
        try:
            self._receive()
        except _NOTHING_YET:
            return False
        finally:
            self._sock.settimeout(self._timeout)
        return True

    def read_response(self, disable_decoding=False, timeout=None):
        """The next reply: bytes, an integer, None, or a Part of those, in which an error stands as an exception.

        A large array is read in parts: as long as items of it are unread, this is the next part. Of one that breaks off
        the whole items come first, and the error when more is asked for.

        Raises redis.AuthenticationError, redis.InvalidResponse, redis.ConnectionError and what the socket raises; a
        ResponseError is returned, as redis-py expects it.
        """
        if self._broken:
            raise self._broken
        if self._unread:
            return self._part()
        line = self._line()
        reply = self._array(_number(line)) if line[0] == ARRAY else self._single(line)
        if isinstance(reply, redis.AuthenticationError):
            raise reply
        return reply

    def _array(self, count: int):
        if count < 0:
            return None
        self._unread = count
        return self._part()

    def _part(self) -> Part:
        items, size = Part(), 0
        try:
            while len(items) < self._unread and size < PART_BYTES:
                found = self._at_hand(self._unread - len(items), PART_BYTES - size) or [self._single(self._line())]
                items += found
                size += sum(len(item) for item in found if isinstance(item, bytes))
        except (redis.RedisError, OSError) as error:
            if not items:
                raise
            self._broken = error
        self._unread = items.unread = self._unread - len(items)
        return items

    def _at_hand(self, most: int, room: int) -> list[bytes]:
        """Texts that lie whole in the buffer, as nearly all do, until `room` bytes are filled; `_single` knows more."""
        buffer, at, texts = self._buffer, self._at, []
        while room > 0 and len(texts) < most and (head := _BULK_HEAD.match(buffer, at)):
            start = head.end()
            end = start + int(head[1])
            if buffer[end : end + 2] != b"\r\n":
                break
            texts.append(buffer[start:end])
            at = end + 2
            room -= end - start
        self._at = at
        return texts

    def _single(self, line: bytes):
        kind = line[0]
        if kind == BULK:
            return self._bulk(_number(line))
        if kind == ERROR:
            return _error(line)
        if kind == INTEGER:
            return _number(line)
        if kind == SIMPLE:
            return line[1:]
        raise redis.InvalidResponse("Protocol Error: an array in an array")

    def _bulk(self, length: int) -> bytes | None:
        if length < 0:
            return None
        if length > LONGEST_RECORD:
            record = self._cut(length)
            end = self._take(2)
        else:
            text = self._take(length + 2)
            record, end = text[:-2], text[-2:]
        if end != b"\r\n":
            raise redis.InvalidResponse("Protocol Error: a text is longer than announced")
        return record

    def _cut(self, length: int) -> bytes:
        """Pass over a record that is too long to be one; what stands for it cannot be read, and says why."""
        head = self._take(KEPT_BYTES)
        left = length - len(head)
        while left:
            if self._at == len(self._buffer):
                self._receive()
            passed = min(left, len(self._buffer) - self._at)
            self._at += passed
            left -= passed
        return cut(head, length)

    def _line(self) -> bytes:
        """The next line, without its end; it begins with one of KINDS."""
        while (end := self._buffer.find(b"\r\n", self._at)) < 0:
            if self._at < len(self._buffer):
                self._check(self._buffer[self._at :])
            self._receive()
        line = self._buffer[self._at : end]
        self._check(line)
        self._at = end + 2
        return line

    @staticmethod
    def _check(line):
        if not line or line[0] not in KINDS:
            raise redis.InvalidResponse(f"Protocol Error: {line[:100]!r}")
        if len(line) > LONGEST_LINE:
            raise redis.InvalidResponse("Protocol Error: a line without an end")

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._buffer):
            return self._gather(length)
        taken = self._buffer[self._at : end]
        self._at = end
        return taken

    def _gather(self, length: int) -> bytes:
        """More than is in the buffer."""
        pieces, missing = [], length
        while missing:
            if self._at == len(self._buffer):
                self._receive()
            piece = self._buffer[self._at : self._at + missing]
            self._at += len(piece)
            missing -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _receive(self):
        """Add what the socket has to what was not used yet."""
        piece = self._sock.recv(self._size)
        if not piece:
            raise redis.ConnectionError(CLOSED)
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0


def _number(line: bytes) -> int:
    try:
        return int(line[1:])
    except ValueError:
        raise redis.InvalidResponse(f"Protocol Error: {line[:100]!r}") from None


def _error(line: bytes) -> Exception:
    kind, _, words = line[1:].decode(errors="replace").partition(" ")
    if kind in ("NOAUTH", "WRONGPASS"):
        return redis.AuthenticationError(words)
    return redis.ResponseError(words if kind == "ERR" else f"{kind} {words}")


def cut(head: bytes, length: int) -> bytes:
    """What stands for a record of so many bytes, of which only the `head` is kept: a dead letter that says why."""
    log.warning("A record of %d MB was cut; a dead letter keeps its first %d kB.", length >> 20, len(head) >> 10)
    return b"Cut from %d bytes to the first %d: " % (length, len(head)) + head
