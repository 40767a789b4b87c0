"""A simulator on a free port, with a clock that tests move, and a client that speaks raw bytes to it."""

import msgspec
import pytest

from simulator import Catalog, Simulator, traffic
from tests.simulator.made import END, EVENTS
from tests.simulator.raw import FIXTURES, RawClient, captured


class Hands:
    """A clock that stands still until moved, in seconds."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def move(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def cpa(clock):
    with Simulator(clock=clock, zone="Asia/Shanghai") as simulator:
        yield simulator


@pytest.fixture
def connect(cpa):
    """A function that opens a raw connection, authenticated unless told otherwise."""
    clients = []

    def opened(login=True, **options):
        client = RawClient(cpa.port, **options)
        clients.append(client)
        if login:
            client.ask(b"AUTH", b"lab-management-key")
            client.expect(b"+OK\r\n")
        return client

    yield opened
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def records():
    """The captured queue items, as bytes."""
    return (FIXTURES / "records.jsonl").read_bytes().splitlines()


@pytest.fixture
def captured_catalog():
    """The installation the captures were made of."""
    lists = ("gemini", "interactions", "claude", "codex", "xai", "vertex")
    names = [f"{name}-api-key" for name in lists] + ["openai-compatibility"]
    return Catalog(
        auth_files=captured("management-auth-files")["json"]["files"],
        providers={name: captured(f"management-{name}")["json"][name] for name in names},
        api_keys=captured("management-api-keys")["json"]["api-keys"],
        models=captured("v1-models")["json"]["data"],
    )


@pytest.fixture(scope="session")
def raw():
    return list(traffic.history(30, EVENTS, 7, END, "Asia/Shanghai"))


@pytest.fixture(scope="session")
def made(raw):
    return [msgspec.json.decode(record) for record in raw]
