"""CPA's RESP side: AUTH, LPOP, RPOP, SUBSCRIBE, and the error replies of everything else."""

import re

from simulator.bans import Refused
from simulator.queue import SUPPORT_REFRESH, Subscriber, framed

FIRST_BYTES = b"*$+-:"
LONGEST_BULK = 1 << 20
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_LARGEST = 2**63 - 1


class ProtocolError(Exception):
    """Bytes that are not a RESP array of texts: CPA says so and closes."""


class RespSession:
    """The commands of one connection. `state` is the simulator's State, `transport` writes replies."""

    def __init__(self, state, transport, address: str):
        self.state, self.transport, self.address = state, transport, address
        self.authenticated = False
        self.subscriber: Subscriber | None = None
        self._received = b""

    def feed(self, data: bytes) -> None:
        """Answer every complete command in these bytes; an incomplete one waits for more."""
        self._received += data
        while self._received and not self.transport.is_closing():
            try:
                parsed = parse(self._received)
            except ProtocolError:
                self.transport.write(b"-ERR protocol error\r\n")
                self.transport.close()
                return
            if parsed is None:
                return
            arguments, end = parsed
            self._received = self._received[end:]
            self.transport.write(self._answer(arguments))

    def block(self) -> None:
        if self.subscriber:
            self.subscriber.blocked = True

    def unblock(self) -> None:
        if self.subscriber:
            self.subscriber.unblock()

    def closed(self) -> None:
        """The peer left: a subscriber no longer starves the queue."""
        for listeners in (self.state.queue.subscribers, self.state.error_listeners):
            if self.subscriber in listeners:
                listeners.remove(self.subscriber)

    def _answer(self, arguments: list[str]) -> bytes:
        if not arguments:
            return b"-ERR empty command\r\n"
        name, *rest = arguments
        name = name.strip().lower()
        if self.subscriber:
            return self._while_subscribed(name, rest)
        if not self.authenticated and name != "auth":
            return self._unauthenticated()
        command = self._COMMANDS.get(name)
        return command(self, name, rest) if command else _unknown(name)

    def _auth(self, name: str, arguments: list[str]) -> bytes:
        if len(arguments) not in (1, 2):
            return _wrong_number(name)
        try:
            self.state.bans.check(self.address, arguments[-1])
        except Refused as refusal:
            return _error(str(refusal))
        self.authenticated = True
        return b"+OK\r\n"

    def _unauthenticated(self) -> bytes:
        try:
            self.state.bans.check(self.address, "")
        except Refused as refusal:
            banned = refusal.status == 403
            return _error(str(refusal)) if banned else b"-NOAUTH Authentication required.\r\n"
        raise AssertionError("an empty key is never right")

    def _pop(self, name: str, arguments: list[str]) -> bytes:
        if len(arguments) not in (1, 2):
            return _wrong_number(name)
        if _channel(arguments[0]) != "usage":
            return _unsupported(arguments[0])
        if len(arguments) == 1:
            records = self.state.pop(1)
            return _bulk(records[0]) if records else b"$-1\r\n"
        count = _count(arguments[1])
        if count is None:
            return b"-ERR value is not an integer or out of range\r\n"
        return _array(self.state.pop(count))

    def _subscribe(self, name: str, arguments: list[str]) -> bytes:
        if len(arguments) != 1:
            return _wrong_number(name)
        channel = _channel(arguments[0])
        listeners = {"usage": self.state.queue.subscribers, "errors": self.state.error_listeners}.get(channel)
        if listeners is None:
            return _unsupported(arguments[0])
        self.transport.set_write_buffer_limits(high=0)  # hear at once when TCP takes no more
        self.subscriber = Subscriber(self.transport, channel)
        listeners.append(self.subscriber)
        greeting = framed(channel, SUPPORT_REFRESH) if channel == "usage" else b""
        return _push(b"subscribe", channel, b":1") + greeting

    # RPOP takes the oldest as well.
    _COMMANDS = {"auth": _auth, "lpop": _pop, "rpop": _pop, "subscribe": _subscribe}

    def _while_subscribed(self, name: str, arguments: list[str]) -> bytes:
        if name == "ping":
            payload = _bulk(arguments[0].encode()) if arguments else b"$-1\r\n"
            return b"*2\r\n$4\r\npong\r\n" + payload
        if name not in ("unsubscribe", "quit"):
            return _unknown(name)
        self.closed()  # now, not when the socket is gone: a record put in between would be lost
        self.transport.write(
            b"+OK\r\n" if name == "quit" else _push(b"unsubscribe", self.subscriber.channel, b":0"),
        )
        self.transport.close()
        return b""


def parse(data: bytes) -> tuple[list[str], int] | None:
    """(arguments, bytes used) of the first command, None while it is incomplete; raises ProtocolError."""
    line = _line(data, 0)
    if line is None:
        return None
    header, position = line
    if header[:1] != b"*":
        raise ProtocolError
    arguments = []
    for _ in range(_length(header)):
        part = _argument(data, position)
        if part is None:
            return None
        text, position = part
        arguments.append(text)
    return arguments, position


def _argument(data: bytes, position: int) -> tuple[str, int] | None:
    line = _line(data, position)
    if line is None:
        return None
    header, start = line
    kind = header[:1]
    if kind in (b"+", b":"):
        return header[1:].decode(errors="replace"), start
    if kind != b"$":
        raise ProtocolError
    end = start + _length(header)
    if len(data) < end + 2:
        return None
    return data[start:end].decode(errors="replace"), end + 2


def _line(data: bytes, start: int) -> tuple[bytes, int] | None:
    end = data.find(b"\r\n", start)
    return None if end < 0 else (data[start:end], end + 2)


def _length(header: bytes) -> int:
    if not header[1:].isdigit() or (length := int(header[1:])) > LONGEST_BULK:
        raise ProtocolError
    return length


def _channel(text: str) -> str:
    return text.strip().lower()


def _count(text: str) -> int | None:
    text = text.strip()
    if not _INTEGER.fullmatch(text) or not 0 < int(text) <= _LARGEST:
        return None
    return int(text)


def _bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


def _array(items: list[bytes]) -> bytes:
    parts = [b"$%d\r\n%b\r\n" % (len(item), item) for item in items]
    return b"*%d\r\n%b" % (len(items), b"".join(parts))


def _push(kind: bytes, channel: str, tail: bytes) -> bytes:
    return b"*3\r\n%b%b%b\r\n" % (_bulk(kind), _bulk(channel.encode()), tail)


def _error(text: str) -> bytes:
    line = " ".join(text.splitlines())  # a line break in a client's word must not end the reply
    return f"-ERR {line}\r\n".encode()


def _unknown(name: str) -> bytes:
    return _error(f"unknown command '{name}'")


def _unsupported(channel: str) -> bytes:
    return _error(f"unsupported channel '{_channel(channel)}'")


def _wrong_number(name: str) -> bytes:
    return _error(f"wrong number of arguments for '{name}' command")
