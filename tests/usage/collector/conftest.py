"""A simulated CPA, a spool of its own, and drains that end with the test."""

from datetime import timedelta

import pytest

from tests.usage.collector.process import Process
from tests.usage.collector.queue.conftest import clock, cpa, until  # noqa: F401  fixtures
from usage.collector.queue import Key
from usage.collector.seat import Seat
from usage.collector.shift import Shift


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    """The spool's folder; nothing is remembered of other tests, and no metadata is asked for."""
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.METADATA_SYNC_INTERVAL = timedelta(seconds=60)
    return settings.SPOOL_DIR


@pytest.fixture
def run(cpa, home):  # noqa: F811
    """A function that starts drains as processes of their own."""
    running = []

    def started(**variables):
        running.append(Process(cpa, home, **variables))
        return running[-1]

    yield started
    for process in running:
        process.kill()


class Work:
    """A shift in this process, stepped by the test."""

    def __init__(self, home):
        self.seat = Seat(home)
        self.shift = Shift(self.seat, Key())
        self.shift.begin()
        self.stored = 0

    def step(self):
        done = self.shift.step()
        self.stored += done.batch.records if done.batch else 0
        return done

    def until_stored(self, count):
        """Step until so many records were stored."""
        until(lambda: self.step() and self.stored >= count)

    def until_reported(self):
        """Step until the next report is written, without the wait between two."""
        self.shift._report._written_at = 0
        until(lambda: self.step().reported)

    def end(self):
        self.shift.end()
        self.seat.leave()


@pytest.fixture
def work(cpa, home):  # noqa: F811
    """A function that begins a shift."""
    begun = []

    def begin():
        begun.append(Work(home))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()
