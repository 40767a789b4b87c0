"""Clients that send or read slowly, or not at all, are in no one else's way."""

import contextlib
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests import PROJECT
from tests.faults.stage import SERVING, stages_in
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough
PROBES = ("/healthz", "/api/v1/ping")
EXPORT = "/requests.jsonl?range=all"
SEED = "import django; django.setup(); from tests.usage import traffic; traffic.store_history(8, 8000, 1)"
MOST_KB = 160_000  # what the web server may need
POST = b"POST /usage/api/v1/sync HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
ATTACKS = {
    "silence": b"",
    "half a header": b"GET /usage/ HTTP/1.1\r\nHost: 127.0",
    "an idle connection": b"GET /usage/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "half a body": POST + b"Content-Length: 2000\r\n\r\n{",
    "an export that is not read": b"GET /usage/requests.jsonl?range=all HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}
ATTACKS["all of them"] = None


@pytest.fixture(scope="module")
def seeded(tmp_path_factory, migrated):
    """A database of 8,000 records; the kernel does not take their export for a client that does not read."""
    with stages_in(tmp_path_factory.mktemp("seeded"), migrated) as made:
        stage = made("http://127.0.0.1:1", "key")
        seed = [sys.executable, "-c", SEED]
        subprocess.run(seed, cwd=PROJECT, env=stage.env, check=True, capture_output=True)
        return stage.database


@contextmanager
def serving(home, seeded, config="cpa_usage.gunicorn"):
    """A stage with such a web server, which ends well."""
    with stages_in(home, seeded) as made:
        stage = made("http://127.0.0.1:1", "key")
        web = stage.start("web", "-m", "gunicorn", "--config", f"python:{config}", "cpa_usage.wsgi")
        web.says(SERVING)
        yield stage
        assert web.stop() == 0
        assert "Traceback" not in web.log


@pytest.fixture(scope="module")
def served(tmp_path_factory, seeded):
    """A web server as in production."""
    with serving(tmp_path_factory.mktemp("served"), seeded) as stage:
        yield stage


@pytest.fixture(scope="module")
def hasty(tmp_path_factory, seeded):
    """One that loses its patience after 2 s, at 60 connections, or when requests and replies hold 5 MB."""
    with serving(tmp_path_factory.mktemp("hasty"), seeded, "tests.faults.hasty") as stage:
        yield stage


def opened(stage, data=b"", window=4096):
    """A connection over which this was sent."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    client.settimeout(20)
    client.connect(("127.0.0.1", stage.port))
    client.sendall(data)
    return client


@contextmanager
def attacked(stage, data, count):
    """Clients that have sent this and do nothing more, or as many of each kind."""
    with ExitStack() as stack:
        for each in [data] if data is not None else filter(None, ATTACKS.values()):
            for _ in range(count):
                stack.enter_context(closing(opened(stage, each)))
        yield


def delay(stage, path):
    """The seconds that a reply usually takes."""

    def asked():
        began = time.perf_counter()
        assert stage.ask(path)[0] == 200
        return time.perf_counter() - began

    return statistics.median(asked() for _ in range(5))


def until_closed(client):
    """All that is received until the server closes the connection."""
    found = b""
    with contextlib.suppress(ConnectionResetError), closing(client):
        while data := client.recv(65536):
            found += data
    return found


def memory_kb(web, name="VmHWM"):
    """Of the worker."""
    (worker,) = Path(f"/proc/{web.popen.pid}/task/{web.popen.pid}/children").read_text().split()
    return next(int(line.split()[1]) for line in Path(f"/proc/{worker}/status").open() if line.startswith(name))


@pytest.mark.parametrize("attack", ATTACKS)
def test_slow_clients_delay_no_one_else(served, attack, soak):
    with attacked(served, ATTACKS[attack], 200 if soak else 60):
        for path in PROBES:
            assert delay(served, path) < 1, path
        assert delay(served, "/keys/") < 5
    assert memory_kb(served.running[-1]) < MOST_KB


def test_requests_that_take_long_do_not_delay_probes(served):
    """Writes wait for a locked database in every thread."""
    with closing(sqlite3.connect(served.database)) as database, ThreadPoolExecutor(8) as clients:
        database.execute("BEGIN IMMEDIATE")
        with served.client() as client:
            price = {"prompt_price_per_1m": 1, "completion_price_per_1m": 1}
            writes = [clients.submit(client.put, f"/api/v1/pricing/m{number}", json=price) for number in range(8)]
            time.sleep(0.5)
            assert delay(served, "/healthz") < 1
            assert not any(write.done() for write in writes)
            database.rollback()
            assert {write.result().status_code for write in writes} == {200}


def test_a_reader_of_an_export_that_is_slow_gets_all_of_it(hasty):
    with hasty.client() as client:
        whole = client.get(EXPORT).text
    request = f"GET /usage{EXPORT} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
    with closing(opened(hasty, request.encode(), 65536)) as client:
        found = b""
        while data := client.recv(200_000):
            found += data
            time.sleep(0.05)
    assert found.partition(b"\r\n\r\n")[2].decode() == whole
    assert len(whole) > 5_000_000


def test_exports_are_limited_and_free_their_places(served):
    with served.client() as client:
        with attacked(served, ATTACKS["an export that is not read"], 12):
            until(lambda: client.head(EXPORT).status_code == 503, 20)
            reply = client.get(EXPORT)
        assert reply.json() == {"error": "8 exports are being read just now: try again in a moment."}
        assert reply.headers["Retry-After"] == "30"
        until(lambda: client.head(EXPORT).status_code == 200, 20)


@pytest.mark.parametrize("attack", ["silence", "half a header", "half a body", "an export that is not read"])
def test_connections_on_which_nothing_happens_are_closed(hasty, attack):
    client = opened(hasty, ATTACKS[attack])
    if attack == "an export that is not read":
        time.sleep(5)
        assert not until_closed(client).endswith(b"\r\n0\r\n\r\n")
    else:
        assert until_closed(client) == b""


def test_a_header_that_comes_byte_by_byte_is_late_all_the_same(hasty):
    client, began = opened(hasty), time.monotonic()
    with pytest.raises(ConnectionError):
        for _ in range(200):
            client.sendall(b"a")
            time.sleep(0.1)
    assert time.monotonic() - began < 15


def test_more_connections_than_there_may_be_close_the_oldest(hasty):
    with ExitStack() as stack:
        first, *_ = [stack.enter_context(closing(opened(hasty))) for _ in range(100)]
        assert first.recv(1) == b""
        assert delay(hasty, "/healthz") < 1


def test_bodies_that_hold_too_much_memory_are_dropped_and_small_ones_are_not(hasty):
    part = POST + b"Content-Length: 2000000\r\n\r\n" + b" " * 1_000_000
    with ExitStack() as stack:
        small = stack.enter_context(closing(opened(hasty, POST + b"Content-Length: 2\r\n\r\n{")))
        large = [stack.enter_context(closing(opened(hasty, part))) for _ in range(8)]
        small.sendall(b"}")
        assert small.recv(12).startswith(b"HTTP/1.1 ")
        closed = [client for client in large if _is_closed(client)]
        assert 2 <= len(closed) < 8


def test_bodies_that_wait_for_a_thread_hold_no_more_memory_either(hasty):
    """All threads wait for a locked database, and complete requests for a thread."""
    price = b'{"prompt_price_per_1m": 1, "completion_price_per_1m": 1}'
    write = POST.replace(b"POST /usage/api/v1/sync", b"PUT /usage/api/v1/pricing/m") + b"Content-Length: %d\r\n\r\n"
    with ExitStack() as stack, closing(sqlite3.connect(hasty.database)) as database:
        database.execute("BEGIN IMMEDIATE")
        for _ in range(4):
            stack.enter_context(closing(opened(hasty, write % len(price) + price)))
        time.sleep(0.5)
        large = [stack.enter_context(closing(socket.create_connection(("127.0.0.1", hasty.port)))) for _ in range(8)]
        for client in large:
            with contextlib.suppress(OSError):
                client.sendall(POST + b"Content-Length: 2000000\r\n\r\n" + b" " * 2_000_000)
        assert 4 <= sum(map(_is_closed, large)) < 8
        database.rollback()


def _is_closed(client):
    client.settimeout(0.2)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_the_server_stops_in_time(tmp_path, seeded, soak):
    with serving(tmp_path, seeded) as stage, attacked(stage, None, 200 if soak else 40):
        (web,) = stage.running
        web.popen.send_signal(signal.SIGTERM)
        assert web.popen.wait(10) == 0


def test_requests_are_framed_as_http_says(served):
    """In pieces, several at once, with "Expect", in chunks, too large."""
    length = b"Content-Length: 11\r\n"
    body = b'{"a": "b"} '
    probe = b"GET /usage/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    last = probe.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with closing(opened(served)) as client:
        for byte in probe:
            client.sendall(bytes([byte]))
        assert client.recv(15) == b"HTTP/1.1 200 OK"
    assert until_closed(opened(served, probe + probe + last)).count(b'{"status":"ok"}') == 3
    assert until_closed(opened(served, POST + length + b"\r\n" + body + last)).count(b"HTTP/1.1 ") == 2
    client = opened(served, POST + length + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
    assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(body)
    assert until_closed(client).count(b"HTTP/1.1 ") == 1
    smuggled = POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(probe), probe)
    assert until_closed(opened(served, smuggled)).count(b"HTTP/1.1 ") == 1
    padded = POST + b"Content-Length: %020d\r\n\r\n" % len(probe)
    assert until_closed(opened(served, padded + probe + last)).count(b"HTTP/1.1 ") == 2
    reply = until_closed(opened(served, POST + b"Content-Length: 20000000\r\n\r\n"))
    assert reply.startswith(b"HTTP/1.1 413 Content Too Large\r\n")
    client = opened(served)
    with contextlib.suppress(OSError):
        client.sendall(b"GET / HTTP/1.1\r\n" + b"X: %s\r\n" % (b"y" * 8000) * 200)
    assert until_closed(client).startswith(b"HTTP/1.1 431 ")
