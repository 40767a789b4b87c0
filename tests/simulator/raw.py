"""Bytes in, bytes out: a socket client, the captures, and the captured RESP transcript as dialogues."""

import ast
import json
import re
import socket
from dataclasses import dataclass

from tests import FIXTURES as ALL_FIXTURES

FIXTURES = ALL_FIXTURES / "cpa"
CLOSED = "(closed by server)"

# What differs from run to run: the records themselves, and where the transcript leaves bytes out.
_RECORDS = re.compile(rb'\$\d+\r\n\{"timestamp".*\}(?=\r\n)', re.DOTALL)


class RawClient:
    """One connection. Waits two seconds at most for what it expects."""

    def __init__(self, port, receive_buffer=0):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(2)
        self.socket.connect(("127.0.0.1", port))

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, *words):
        self.send(command(*words))

    def expect(self, expected):
        """Read until the reply equals this, records aside; fails on any other bytes."""
        wanted, received = without_records(expected), b""
        while without_records(received) != wanted:
            try:
                more = self.socket.recv(1 << 16)
            except TimeoutError:
                more = b""
            assert more, f"expected {wanted!r}, got {received[:2000]!r}"
            received += more

    def expect_closed(self):
        assert self.rest() == b""

    def rest(self):
        """All bytes until the server closes; fails when it does not."""
        received = bytearray()
        while more := self.socket.recv(1 << 20):
            received += more
        return bytes(received)

    def close(self):
        self.socket.close()


def command(*words):
    """A RESP array of these words."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def without_records(data):
    return _RECORDS.sub(b"<records>", data)


def captured(name):
    """A captured HTTP exchange."""
    return json.loads((FIXTURES / "http" / f"{name}.json").read_text())


@dataclass
class Line:
    """One line of a dialogue: who, whether it was sent, and the bytes or the closing."""

    who: str
    sent: bool
    said: bytes | str


def dialogue(title):
    """The lines below `# == <title>...` of the transcript, up to the next heading."""
    text = (FIXTURES / "resp-transcript.txt").read_text()
    body = re.split(r"\n# ==|\n####|\n# [a-z]", text.partition(f"# == {title}")[2])[0]
    found = re.findall(r"^(?:(\w+) )?([CS])[><] ((?:b['\"]|\(closed).*)$", body, re.MULTILINE)
    return [Line(who, side == "C", _said(said)) for who, side, said in found]


def _said(text):
    return CLOSED if text == CLOSED else ast.literal_eval(text)
