"""A simulated CPA that the settings point to, a spool of its own, and drains that end with the test."""

from datetime import timedelta
from typing import NamedTuple

import pytest

from simulator import Simulator
from tests.usage.collector.process import Process
from tests.usage.collector.scripted import Scripted
from tests.waiting import until
from usage.collector.lock import DrainLock
from usage.collector.queue import Key
from usage.collector.run import DrainRun
from usage.collector.storer import Batch


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


@pytest.fixture
def scripted(settings):
    server = Scripted()
    point_to(settings, "127.0.0.1", server.port, "lab-management-key")
    yield server
    server.close()


class StoppedClock:
    """A clock in seconds that stands still until moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return StoppedClock()


@pytest.fixture
def key(clock):
    return Key(clock)


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    """The spool's folder; no metadata is asked for."""
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.METADATA_SYNC_INTERVAL = timedelta(seconds=60)
    return settings.SPOOL_DIR


@pytest.fixture
def start(cpa, home):
    """A function that starts drains as processes of their own."""
    started = []

    def start(**variables):
        started.append(Process(cpa, home, **variables))
        return started[-1]

    yield start
    for process in started:
        process.kill()


class Step(NamedTuple):
    """What a step did: the batch it stored, whether it wrote its report, and what failed."""

    batch: Batch | None
    reported: bool
    error: str


class SteppedDrain:
    """A drain's run in this process, stepped by the test."""

    def __init__(self, home):
        self.lock = DrainLock(home)
        self.run = DrainRun(self.lock, Key())
        self.run.begin()
        self.stored, self.ended = 0, False

    def step(self):
        report = self.run._report
        written_at = report._written_at
        batch = self.run.step()
        self.stored += batch.records if batch else 0
        return Step(batch, report._written_at != written_at, self.said("database") if self.run._backoff else "")

    def said(self, part):
        """What a part of the drain reports to be wrong."""
        fault = self.run.state.errors.lasting.get(part)
        return fault.sentence if fault else ""

    def until_stored(self, count):
        """Step until so many records were stored."""
        until(lambda: self.step() and self.stored >= count)

    def until_reported(self):
        """Step until the next report is written, without the wait between two."""
        self.run._report._written_at = 0
        until(lambda: self.step().reported)

    def end(self):
        if not self.ended:
            self.run.end()
            self.lock.release()
        self.ended = True


@pytest.fixture
def begin(cpa, home):
    """A function that begins a run of the drain."""
    begun = []

    def begin():
        begun.append(SteppedDrain(home))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()
