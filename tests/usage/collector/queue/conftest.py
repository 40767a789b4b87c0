"""A simulated CPA that the settings point to, and a server that answers RESP as a test writes it."""

import socket
import threading
import time
from datetime import timedelta

import pytest

from simulator import Simulator
from usage.collector.queue import Key

PATIENCE, LOOK_SECONDS = 60, 0.01  # machines that run tests are busy


def point_to(settings, host, port, key):
    """The settings an operator would give for this CPA, with short waits between two tries."""
    settings.CPA_BASE_URL = f"http://{host}:{port}"
    settings.REDIS_QUEUE_ADDR = f"{host}:{port}"
    settings.REDIS_QUEUE_TLS = False
    settings.CPA_MANAGEMENT_KEY = key
    settings.CPA_TIMEOUT = timedelta(seconds=10)  # never reached where all is well, however busy the machine
    settings.REDIS_QUEUE_IDLE_INTERVAL = timedelta(seconds=0.02)
    settings.REDIS_QUEUE_ERROR_BACKOFF = timedelta(seconds=0.05)


@pytest.fixture
def cpa(settings):
    with Simulator(retention_seconds=3600) as simulator:
        point_to(settings, simulator.host, simulator.port, simulator.management_key)
        yield simulator


class Hands:
    """A clock in seconds that stands still until moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def key(clock):
    return Key(clock)


class last(bytes):
    """A reply after which the server closes."""


class dripping(bytes):
    """A reply that comes a byte at a time, 20 ms apart."""


class Scripted:
    """Answers each command of each connection with the next of `replies`.

    `last(reply)` closes the connection after it, without a word when it is empty; so does having none left.
    """

    def __init__(self):
        self.replies, self.asked = [], []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection):
        with connection:
            while asked := _received(connection):
                self.asked.append(asked)
                reply = self.replies.pop(0) if self.replies else last()
                if isinstance(reply, dripping):
                    _drip(connection, reply)
                else:
                    connection.sendall(reply)
                if isinstance(reply, last):
                    return


def _drip(connection, reply):
    for byte in reply:
        try:
            connection.sendall(bytes([byte]))
        except OSError:
            return  # the client had enough
        time.sleep(0.02)


def _received(connection):
    try:
        return connection.recv(65536)
    except OSError:
        return b""


@pytest.fixture
def scripted(settings):
    server = Scripted()
    point_to(settings, "127.0.0.1", server.port, "lab-management-key")
    yield server
    server.close()


def until(condition, seconds=PATIENCE):
    """Wait until it holds; fails when it does not. Returns what it then was.

    It counts its looks, which take longer on a busy machine.
    """
    for _ in range(int(seconds / LOOK_SECONDS)):
        if found := condition():
            return found
        time.sleep(LOOK_SECONDS)
    raise AssertionError(f"not within {seconds} s")
