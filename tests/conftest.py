"""What holds for every test: which of them belong to one database alone, and a run in which nothing may be skipped."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import translation


def pytest_addoption(parser):
    parser.addoption("--nothing-skipped", action="store_true", help="a skipped test fails the run")
    parser.addoption("--soak", action="store_true", help="faults last as long, and happen as often, as they should")


@pytest.fixture
def soak(request):
    """Whether there is time."""
    return request.config.getoption("soak")


@pytest.fixture(autouse=True)
def the_language_of_a_test_ends_with_it():
    """A request activates its language, which would stay for the tests after it."""
    yield
    translation.deactivate()


@pytest.fixture
def set_clock(time_machine):
    """A function that stops every clock of the process at a moment: an aware datetime, or µs since the epoch.

    Monotonic clocks, other processes and times of files go on. The clock is the real one again after the test.
    """

    def set_to(moment: datetime | int):
        if isinstance(moment, int):
            moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=moment)
        # For a datetime in UTC or in a ZoneInfo time-machine changes TZ, which belongs to Django's TIME_ZONE.
        time_machine.move_to(moment.astimezone(UTC).replace(tzinfo=None), tick=False)

    return set_to


def pytest_collection_modifyitems(config, items):
    """On PostgreSQL only what asks the database and is not about SQLite's own file: the rest is the same there."""
    if connection.vendor != "sqlite":
        elsewhere = [item for item in items if item.get_closest_marker("sqlite") or not _asks_the_database(item)]
        items[:] = [item for item in items if item not in elsewhere]
        config.hook.pytest_deselected(items=elsewhere)


def _asks_the_database(item):
    return item.get_closest_marker("django_db") or "db" in item.fixturenames or "transactional_db" in item.fixturenames


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("nothing_skipped") and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
