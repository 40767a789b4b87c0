"""A small HTTP/1.1 server side: requests in, replies out, connections kept alive, headers as Go writes them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import parse_qs, unquote

import msgspec

LONGEST_HEAD = 64 << 10
LONGEST_BODY = 8 << 20
BUFFERED_BY_GO = 2048  # a longer body without a length of its own goes out chunked
BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
)
JSON = "application/json; charset=utf-8"


class BadRequest(Exception):
    """Bytes that are no HTTP request: answered with a bare 400 and a close."""


@dataclass
class Request:
    """`path` is percent-decoded, header names are in lower case, query values are lists."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    keep_alive: bool

    def value(self):
        """The `value` of a JSON body `{"value": ...}`; None when there is none."""
        try:
            body = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None
        return body.get("value") if isinstance(body, dict) else None


@dataclass
class Response:
    """`sized` says that the length is stated whatever the size, as for files; otherwise Go's rule decides."""

    status: int = 200
    body: bytes = b""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    sized: bool = False

    @classmethod
    def of(cls, document, status: int = 200) -> "Response":
        return cls(status, msgspec.json.encode(document), JSON)

    def rendered(self, method: str, keep_alive: bool) -> bytes:
        """The bytes on the wire; a HEAD gets no body and no length."""
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        if self.content_type:
            lines.append(f"Content-Type: {self.content_type}")
        lines += [f"{name}: {text}" for name, text in self.headers.items()]
        lines.append(f"Date: {format_datetime(datetime.now(UTC), usegmt=True)}")
        body = b"" if method == "HEAD" else self.body
        if method != "HEAD":
            chunked = not self.sized and len(body) > BUFFERED_BY_GO
            lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
        if not keep_alive:
            lines.append("Connection: close")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class HttpSession:
    """The requests of one connection; `state.respond(request, address)` answers, None means never."""

    def __init__(self, state, transport, address: str):
        self.state, self.transport, self.address = state, transport, address
        self._received = b""
        self._hanging = False

    def feed(self, data: bytes) -> None:
        self._received += data
        while self._received and not self._hanging and not self.transport.is_closing():
            try:
                parsed = parse(self._received)
            except BadRequest:
                self.transport.write(BAD_REQUEST)
                self.transport.close()
                return
            if parsed is None:
                return
            request, end = parsed
            self._received = self._received[end:]
            self._answer(request)

    def block(self) -> None:
        """A reply waits in the transport; nothing to do, requests are answered one by one."""

    unblock = closed = block

    def _answer(self, request: Request) -> None:
        response = self.state.respond(request, self.address)
        if response is None:
            self._hanging = True
            return
        self.transport.write(response.rendered(request.method, request.keep_alive))
        if not request.keep_alive:
            self.transport.close()


def parse(data: bytes) -> tuple[Request, int] | None:
    """(request, bytes used), None while it is incomplete; raises BadRequest."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        _check_beginning(data)
        return None
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    method, target, version = _request_line(first)
    headers = dict(_header(line) for line in lines)
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LONGEST_BODY or "transfer-encoding" in headers:
        raise BadRequest
    start = end + 4
    if len(data) < start + int(length):
        return None
    path, _, query = target.partition("?")
    connection = headers.get("connection", "").lower()
    return Request(
        method=method,
        path=unquote(path),
        query=parse_qs(query),
        headers=headers,
        body=data[start : start + int(length)],
        keep_alive=connection == "keep-alive" if version == "HTTP/1.0" else connection != "close",
    ), start + int(length)


def _check_beginning(data: bytes) -> None:
    """An inline Redis command has no HTTP version on its first line: refuse it without waiting for more."""
    line, complete, _ = data.partition(b"\r\n")
    if complete:
        _request_line(line.decode("latin-1"))
    if len(data) > LONGEST_HEAD:
        raise BadRequest


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest
    return parts[0], parts[1], parts[2]


def _header(line: str) -> tuple[str, str]:
    name, colon, text = line.partition(":")
    if not colon or not name or name != name.strip():
        raise BadRequest
    return name.lower(), text.strip()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # 529 and the like have no phrase of their own
        return "status code"
