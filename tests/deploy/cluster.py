"""An installation on several machines: stages of their own before one CPA, and traffic that goes on meanwhile."""

import threading
import time
from contextlib import contextmanager

import pytest

from simulator import Simulator
from tests.faults.stage import START, Stage
from tests.usage.made import record

EACH_SECOND = 300
COUNTS = "SELECT (SELECT count(*) FROM usage_event), (SELECT coalesce(sum(requests), 0)::bigint FROM usage_day)"


@pytest.fixture
def cpa():
    with Simulator(retention_seconds=3600) as simulator:
        yield simulator


@pytest.fixture
def machine(tmp_path, cpa):
    """A function that sets up a machine with a spool of its own; what runs on it ends with the test."""
    made = []

    def set_up(database_url: str, **variables) -> Stage:
        home = tmp_path / f"machine-{len(made)}"
        home.mkdir()
        made.append(Stage(home, cpa.base_url, cpa.management_key, DATABASE_URL=database_url, **variables))
        return made[-1]

    yield set_up
    for stage in made:
        for process in stage.running:
            process.popen.terminate()
    for stage in made:
        stage.end()


class Traffic:
    """How many records there are so far."""

    sent = 0


@contextmanager
def traffic(cpa):
    """EACH_SECOND records a second, until the block ends."""
    found, ended = Traffic(), threading.Event()

    def send():
        began = time.monotonic()
        while not ended.wait(0.02):
            due = int((time.monotonic() - began) * EACH_SECOND)
            cpa.push_many(record(START + number * 1000) for number in range(found.sent, due))
            found.sent = due

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
