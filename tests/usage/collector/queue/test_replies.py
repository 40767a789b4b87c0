"""RESP replies over a socket: what CPA sends, however it is cut into pieces, and no more memory than a record needs."""

import socket
import threading
import tracemalloc

import pytest
import redis

from usage.collector.queue import replies
from usage.collector.queue.replies import KEPT_BYTES, Replies

KILOBYTE, MEGABYTE = 1024, 1024 * 1024


class Connection:
    """As much of redis-py's as the parser asks for."""

    socket_timeout = 10

    def __init__(self, sock):
        self._sock = sock
        sock.settimeout(self.socket_timeout)


@pytest.fixture
def wire():
    """(the parser, a function that sends pieces to it from another thread, and closes)."""
    near, far = socket.socketpair()
    parser, threads = Replies(), []
    parser.on_connect(Connection(near))

    def send(*pieces):
        def sending():
            for piece in pieces:
                far.sendall(piece)
            far.shutdown(socket.SHUT_WR)

        threads.append(threading.Thread(target=sending, daemon=True))
        threads[-1].start()

    yield parser, send
    near.close()
    for thread in threads:
        thread.join()
    far.close()


REPLIES = {
    b"+OK\r\n": b"OK",
    b":-12\r\n": -12,
    b"$-1\r\n": None,
    b"*-1\r\n": None,
    b"$0\r\n\r\n": b"",
    b"*0\r\n": [],
    b"$12\r\nlines\r\nin it\r\n": b"lines\r\nin it",
    b"*3\r\n$7\r\nmessage\r\n$5\r\nusage\r\n$2\r\n{}\r\n": [b"message", b"usage", b"{}"],
    b"*3\r\n$9\r\nsubscribe\r\n:1\r\n$-1\r\n": [b"subscribe", 1, None],
}


@pytest.mark.parametrize("size", (1, 3, 1000))
def test_replies_are_read_however_they_are_cut(wire, size):
    parser, send = wire
    sent = b"".join(REPLIES)
    send(*(sent[at : at + size] for at in range(0, len(sent), size)))
    assert [parser.read_response() for _ in REPLIES] == list(REPLIES.values())
    with pytest.raises(redis.ConnectionError, match=r"Connection closed by server\."):
        parser.read_response()


def test_errors_are_returned_and_a_refused_login_is_raised(wire):
    parser, send = wire
    send(b"-ERR unknown command 'x'\r\n*1\r\n-ERR no\r\n-NOAUTH Authentication required.\r\n")
    assert [type(parser.read_response()), str(parser.read_response()[0])] == [redis.ResponseError, "no"]
    with pytest.raises(redis.AuthenticationError, match=r"^Authentication required\.$"):
        parser.read_response()


@pytest.mark.parametrize(
    "reply", [b"\r\n", b"what", b"*x\r\n", b"$1\r\nab\r\n", b"*1\r\n*1\r\n:1\r\n", b"-" + b"e" * 70 * KILOBYTE]
)
def test_what_is_no_reply_is_refused_at_once(wire, reply):
    parser, send = wire
    send(reply)
    with pytest.raises(redis.InvalidResponse, match=r"^Protocol Error: "):
        parser.read_response()


def test_something_to_read_is_told_and_keeps_for_the_reading(wire):
    parser, send = wire
    assert not parser.can_read(0)
    assert not parser.can_read(0.01)
    send(b"+a\r\n+b\r\n")
    assert parser.can_read(10)
    assert [parser.read_response(), parser.can_read(), parser.read_response()] == [b"a", True, b"b"]
    with pytest.raises(redis.ConnectionError, match=r"Connection closed by server\."):
        parser.can_read(10)


def test_a_record_that_is_too_long_is_passed_over_and_the_others_are_whole(wire, monkeypatch, caplog):
    monkeypatch.setattr(replies, "LONGEST_RECORD", 2 * MEGABYTE)
    parser, send = wire
    whole, longer = b"w" * 2 * MEGABYTE, b"l" * (2 * MEGABYTE + 1)
    send(b"*3\r\n$1\r\na\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(longer), longer, len(whole), whole), b"+next\r\n")
    first, cut, last = parser.read_response()
    assert (first, last == whole) == (b"a", True)
    assert cut == b"Cut from 2097153 bytes to the first 65536: " + b"l" * KEPT_BYTES
    assert parser.read_response() == b"next"
    assert caplog.messages == ["A record of 2 MB was cut; a dead letter keeps its first 64 kB."]


def test_a_record_of_a_hundred_megabytes_takes_no_memory_of_its_size(wire):
    parser, send = wire
    piece = b"g" * MEGABYTE
    send(b"$%d\r\n" % (100 * MEGABYTE), *[piece] * 100, b"\r\n")
    tracemalloc.start()
    try:
        cut = parser.read_response()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cut.startswith(b"Cut from 104857600 bytes to the first 65536: gg")
    assert peak < 2 * MEGABYTE
