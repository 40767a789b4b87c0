"""CPA misbehaves before a running drain: it says so, its memory stays bounded, and it goes on by itself."""

import contextlib
import socket
import threading
import time

import pytest

from simulator import Simulator
from tests.faults.stage import AT_WORK, caught_up, free_port, push
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough
MEGABYTE = 1024 * 1024
# A drain at rest has 60 MB. Measured with a record of 40 MB: 185 to 200, and 120 over HTTP.
MOST_KB = {"pop": 280 * 1024, "subscribe": 280 * 1024, "http": 200 * 1024}
# Measured with 40 records of 6 MB at once: a pop asks for ten of them, a subscriber is sent all.
MANY_LARGE_KB = {"pop": 280 * 1024, "subscribe": 400 * 1024, "http": 280 * 1024}


class Rogue:
    """Listens where CPA should, takes any key, and answers the first pop of each connection with `reply`'s pieces."""

    def __init__(self, port, reply):
        self.pops = 0
        self._reply, self._ended = reply, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone would not wake the one who accepts
        self._thread.join()
        self._listener.close()

    def _serve(self):
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                connection = self._listener.accept()[0]
                threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection):
        with connection, contextlib.suppress(OSError):
            while not self._ended.is_set() and (asked := connection.recv(65536)):
                if b"AUTH" in asked:
                    connection.sendall(b"+OK\r\n")
                if b"LPOP" in asked.upper():
                    self.pops += 1
                    for piece in self._reply():
                        connection.sendall(piece)
                    return


def noise():
    """A megabyte that is no RESP."""
    yield b"\xfe" * MEGABYTE


def lines():
    """An error that does not end."""
    yield b"-ERR " + b"e" * MEGABYTE


def promises():
    """An array of a billion records that never come."""
    yield b"*1000000000\r\n"


def cut():
    """A reply that breaks off in a record."""
    yield b'*2\r\n$1000\r\n{"timestamp"'


@pytest.mark.parametrize("reply", [noise, lines, promises, cut])
def test_nonsense_from_where_cpa_should_be(set_up, reply):
    port = free_port()
    rogue = Rogue(port, reply)
    stage = set_up(f"http://127.0.0.1:{port}", "lab-management-key", QUEUE_MODE="pop")
    drain = stage.drain()
    drain.says(AT_WORK)
    until(lambda: rogue.pops >= 2)
    until(lambda: "CPA" in (stage.query("SELECT sentence FROM cpa_usage_incident WHERE kind = 'queue'") or [""])[0])
    assert drain.peak_kb < MOST_KB["pop"]
    rogue.close()
    with Simulator(port=port) as cpa:
        push(cpa, 100)
        caught_up(stage, cpa, 100)
    assert drain.stop() == 0


@pytest.mark.parametrize("mode", MOST_KB)
def test_a_garbage_record_of_forty_megabytes(set_up, cpa, mode):
    stage = set_up(cpa.base_url, cpa.management_key, QUEUE_MODE=mode)
    drain = stage.drain()
    drain.says(AT_WORK)
    cpa.push(b'"%b"' % (b"x" * (40 * MEGABYTE - 2)))
    push(cpa, 10)
    until(lambda: stage.stored == 10 and not stage.waiting)
    assert stage.query("SELECT count(*), length(raw), cast(substr(raw, 1, 42) AS text) FROM usage_deadletter") == (
        1,
        len("Cut from 41943040 bytes to the first 65536: ") + 65536,
        "Cut from 41943040 bytes to the first 65536",
    )
    assert "A record of 40 MB was cut; a dead letter keeps its first 64 kB." in drain.log
    assert drain.peak_kb < MOST_KB[mode]
    assert drain.stop() == 0


def test_a_record_of_ten_megabytes(stage, cpa):
    drain = stage.drain()
    drain.says(AT_WORK)
    push(cpa, 1, failed=True, fail={"status_code": 500, "body": "<html>" * (10 * MEGABYTE // 6)})
    push(cpa, 10, start=1)
    caught_up(stage, cpa, 11)
    kept = "SELECT length(fail_body), fail_body_length FROM usage_event WHERE fail_body_length > 0"
    assert stage.query(kept) == (4096, 10 * MEGABYTE // 6 * 6)
    assert drain.peak_kb < MOST_KB["pop"]
    assert drain.stop() == 0


@pytest.mark.parametrize("mode", MOST_KB)
def test_forty_records_of_six_megabytes_at_once(set_up, cpa, mode):
    stage = set_up(cpa.base_url, cpa.management_key, QUEUE_MODE=mode)
    drain = stage.drain()
    drain.says(AT_WORK)
    push(cpa, 5000)
    until(lambda: stage.stored == 5000)
    push(cpa, 40, start=5000, failed=True, fail={"status_code": 500, "body": "<html>" * MEGABYTE})
    caught_up(stage, cpa, 5040)
    assert drain.peak_kb < MANY_LARGE_KB[mode]
    assert drain.stop() == 0


def test_a_cpa_that_restarts(stage, cpa):
    drain = stage.drain()
    drain.says(AT_WORK)
    push(cpa, 10)
    until(lambda: stage.stored == 10)
    cpa.stop()
    drain.says("does not answer")
    cpa.start()
    push(cpa, 10, start=10)
    caught_up(stage, cpa, 20)
    assert drain.stop() == 0


def test_a_cpa_that_comes_later(set_up):
    port = free_port()
    stage = set_up(f"http://127.0.0.1:{port}", "lab-management-key")
    drain = stage.drain()
    drain.says("does not answer")
    with Simulator(port=port) as cpa:
        push(cpa, 10)
        caught_up(stage, cpa, 10)
    assert drain.stop() == 0


def test_a_refused_key_is_tried_once_and_told(set_up, cpa):
    stage = set_up(cpa.base_url, "wrong-key-7Xq9")
    drain, web = stage.drain(), stage.web()
    drain.says("CPA refuses the management key: ")
    until(lambda: stage.ask("/api/v1/status")[1]["refused"])
    time.sleep(1)
    assert cpa.auth_failures == 1
    status = stage.ask("/api/v1/status")[1]
    assert "Set CPA_MANAGEMENT_KEY" in status["refused"]
    code, unready = stage.ask("/readyz")
    assert (code, unready["reason"].startswith("CPA refuses the management key (since ")) == (503, True)
    assert "wrong-key-7Xq9" not in drain.log + web.log + str(status)
    assert (drain.stop(), web.stop()) == (0, 0)


def test_a_ban_is_told_and_not_made_longer(stage, cpa):
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", cpa.port)) as stranger:
            stranger.sendall(b"*2\r\n$4\r\nAUTH\r\n$5\r\nwrong\r\n")
            stranger.recv(1000)
    failures = cpa.auth_failures
    drain = stage.drain()
    drain.says("banned")
    time.sleep(1)
    assert cpa.auth_failures == failures
    assert drain.stop() == 0
