"""Every fault is seen in every place that it concerns, costs what it must, and ends by itself."""

import sys

import pytest

from simulator import Simulator
from tests.faults import watchman
from tests.faults.stage import Stage, free_port
from tests.faults.watchman import PLACES, Watched

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough
ALL, BUT_READY = set(PLACES), set(PLACES) - {"/readyz"}


@pytest.fixture
def watched(stage, cpa, soak):
    """A drain and a web server before the simulated CPA."""
    return Watched(stage, cpa, not soak)


@pytest.fixture
def pace(soak):
    """Seconds between two requests."""
    return 3 if soak else 0.3


@pytest.fixture
def row(soak, capsys):
    """A function that checks who saw it, and prints the row of the table."""

    def check(seen, expected):
        assert set(seen.places) == expected
        with capsys.disabled():
            if soak:
                places = ", ".join(seen.places) or "nowhere"
                sys.stdout.write(f"\n| {seen.fault} | {seen.seconds:.0f} s | {places} | {seen.cost} | {seen.end} |")

    return check


def test_another_subscriber(watched, pace, row):
    row(watchman.rival(watched, pace, watchman.Subscriber, "another program subscribes"), ALL)


def test_another_that_pops(watched, pace, row):
    row(watchman.rival(watched, pace, watchman.Popper, "another program pops"), ALL)


def test_a_second_cpa_usage(watched, pace, row, tmp_path, migrated):
    def stages(watched):
        home = tmp_path / "second"
        home.mkdir()
        other = Stage(home, watched.cpa.base_url, watched.cpa.management_key, REDIS_QUEUE_IDLE_INTERVAL="10ms")
        other.database.write_bytes(migrated.read_bytes())
        watched.stage.running += other.running
        return other

    row(watchman.second(watched, pace, stages), ALL)


def test_a_wrong_key(watched, row):
    row(watchman.wrong_key(watched), ALL)


def test_a_key_that_is_right_again(watched, row):
    row(watchman.right_again(watched), set())


def test_a_ban(watched, row):
    row(watchman.banned(watched), ALL)


def test_a_cpa_that_is_down(watched, row):
    row(watchman.down(watched), ALL)


def test_a_cpa_that_does_not_answer(set_up, cpa, soak, row):
    relay = watchman.network(cpa)
    stage = set_up(f"http://127.0.0.1:{relay.port}", cpa.management_key, CPA_TIMEOUT="3s")
    row(watchman.slow(Watched(stage, cpa, not soak), relay), ALL)
    relay.stop()


def test_statistics_that_are_off(watched, row):
    row(watchman.statistics_off(watched), ALL)


@pytest.mark.parametrize(("kept", "expected"), [(10, BUT_READY), (3600, set())])
def test_how_long_cpa_keeps_records(set_up, soak, row, kept, expected):
    with Simulator(port=free_port(), retention_seconds=kept) as cpa:
        row(watchman.retention(Watched(set_up(cpa.base_url, cpa.management_key), cpa, not soak), kept), expected)


def test_a_cpa_that_was_restarted(watched, row):
    row(watchman.restarted(watched), BUT_READY)


def test_a_database_that_takes_nothing(watched, row):
    row(watchman.database_away(watched), ALL)


def test_a_spool_that_cannot_be_written(watched, row):
    row(watchman.disk_full(watched), ALL)


def test_a_clock_that_jumps(stage, cpa, row):
    row(watchman.clock_jumped(Watched(stage, cpa, hasty=True)), set())


def test_a_dead_letter(watched, row):
    row(watchman.dead_letters(watched), BUT_READY)
