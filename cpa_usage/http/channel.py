"""A client's socket as gunicorn's parser and replies use it: a request is here before it is read, and a reply is kept
until the client takes it, so no thread ever waits for a client."""

import re
import socket

HEADER_BYTES = 1_000_000  # above gunicorn's own limit, so that its parser is the one to refuse
REQUEST_BYTES = 11_000_000  # nginx passes on bodies of 10 MB
READ_BYTES = 64 * 1024
KERNEL_BYTES = 128 * 1024  # unsent bytes at which the kernel takes no more: its own limit is 4 MB a connection

_HEADER_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*0*(\d{1,18})", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)


class Channel:
    """Buffers around a non-blocking socket; `receive` and `send` are the loop's, all else is the parser's or a reply's.

    It only looks for where a request ends. What the request says, and whether it may say so, gunicorn's parser decides.
    """

    def __init__(self, sock: socket.socket):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, KERNEL_BYTES)
        self.sock = sock
        self.received, self.unsent = bytearray(), bytearray()
        self.end = None  # of the request in `received`, once its header is complete

    @property
    def held(self) -> int:
        """How many bytes are held in memory."""
        return len(self.received) + len(self.unsent)

    @property
    def announced(self) -> int:
        """The size of the request in bytes, as its header says."""
        return self.end or 0

    @property
    def lacks(self) -> str:
        """What must arrive before the request can be answered: "request", "header", "body", or "" for nothing."""
        if self.end is None:
            return "header" if self.received else "request"
        return "body" if len(self.received) < self.end else ""

    def receive(self):
        """Take what has arrived; raises OSError when the client is gone."""
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionResetError
        self.received += data
        self.find_end(len(self.received) - len(data))

    def find_end(self, searched: int = 0):
        """Look where the request ends that begins the received bytes; its header does not end in those searched."""
        if self.end is not None:
            return
        header = self.received.find(_HEADER_END, max(0, searched - len(_HEADER_END))) + len(_HEADER_END)
        if header >= len(_HEADER_END):
            length = _LENGTH.search(self.received, 0, header)
            self.end = header + (int(length[1]) if length else 0)
            if len(self.received) < self.end <= REQUEST_BYTES and _EXPECTS.search(self.received, 0, header):
                self.unsent += b"HTTP/1.1 100 Continue\r\n\r\n"
        elif len(self.received) > HEADER_BYTES:
            self.end = len(self.received)

    def next_request(self):
        """Forget the request that was answered; the client may have sent the next one already."""
        self.end = None
        self.find_end()

    def flush(self) -> bool:
        """Send what the kernel takes; whether all is sent. Raises OSError when the client is gone."""
        try:
            while self.unsent:
                del self.unsent[: self.sock.send(self.unsent)]
        except BlockingIOError:
            return False
        return True

    def recv(self, size: int) -> bytes:
        """The next bytes of the request, b"" at its end."""
        data = bytes(self.received[: min(size, self.end)])
        del self.received[: len(data)]
        self.end -= len(data)
        return data

    def sendall(self, data: bytes):
        """Keep a part of the reply for the loop to send."""
        self.unsent += data

    def send(self, data: bytes) -> int:
        """gunicorn's own "100 Continue", which comes too late: the body is here."""
        return len(data)

    def fileno(self) -> int:
        """The descriptor, for the poller."""
        return self.sock.fileno()

    def finish(self):
        """Tell the client that nothing follows."""
        self.sock.shutdown(socket.SHUT_WR)

    def discard(self):
        """Read what is of no interest; raises OSError once the client has closed its side."""
        if not self.sock.recv(READ_BYTES):
            raise ConnectionResetError

    def close(self):
        """Close the socket; the kernel still delivers what it has taken."""
        self.sock.close()

    def setblocking(self, _flag):
        """Do nothing: the socket never blocks."""

    settimeout = setblocking

    def gettimeout(self):
        """The timeout that gunicorn reads, and restores later."""
        return 0.0
