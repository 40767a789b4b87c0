"""A CPA with the captured accounts, and one that answers any bytes that a test wants."""

import socket
import threading
from datetime import timedelta

import pytest

from catalog.facts import PROVIDER_LISTS
from simulator import Catalog, Simulator
from tests.simulator.raw import captured


@pytest.fixture
def captured_catalog():
    """The installation the captures were made of."""
    return Catalog(
        auth_files=captured("management-auth-files")["json"]["files"],
        providers={name: captured(f"management-{name}")["json"][name] for name in PROVIDER_LISTS},
        api_keys=captured("management-api-keys")["json"]["api-keys"],
        models=captured("v1-models")["json"]["data"],
    )


@pytest.fixture
def cpa(settings, captured_catalog):
    """A simulated CPA that the settings point to."""
    with Simulator(catalog=captured_catalog) as simulator:
        settings.CPA_BASE_URL = simulator.base_url
        settings.CPA_MANAGEMENT_KEY = simulator.management_key
        yield simulator


class Scripted:
    """Answers each connection with the next of `replies`: an iterable of bytes, sent piece by piece."""

    def __init__(self):
        self.replies, self.asked = [], []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def reply(self, body=b"", status="200 OK", headers=""):
        """Answer a question so; the connection ends after it."""
        length = f"Content-Length: {len(body)}\r\n" if isinstance(body, bytes) else ""
        head = f"HTTP/1.1 {status}\r\n{length}{headers}Connection: close\r\n\r\n".encode()
        self.replies.append((head, body) if isinstance(body, bytes) else self._pieces(head, body))

    def wait(self, seconds):
        """Pause between pieces; an ended server does not wait."""
        self._ended.wait(seconds)

    def close(self):
        self._ended.set()
        self._listener.close()

    @staticmethod
    def _pieces(head, body):
        yield head
        yield from body

    def _serve(self):
        while not self._ended.is_set():
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection):
        try:
            self.asked.append(connection.recv(65536))
            for piece in self.replies.pop(0) if self.replies else (b"",):
                connection.sendall(piece)
        except OSError:
            pass  # the client had enough


@pytest.fixture
def scripted(settings):
    """A server that answers what the test says, and the settings point to it."""
    server = Scripted()
    settings.CPA_BASE_URL = server.base_url
    settings.CPA_MANAGEMENT_KEY = "lab-management-key"
    yield server
    server.close()


@pytest.fixture
def hurried(settings):
    """CPA_TIMEOUT is short enough to wait for."""
    settings.CPA_TIMEOUT = timedelta(seconds=0.3)
