"""What holds for every test: which of them belong to one database alone, and a run in which nothing may be skipped."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import translation

from usage.records.unknown import unknown_fields

# Tests of what stands above the database, which they read and write only as tests do that run on PostgreSQL too. Every
# page and endpoint is opened on PostgreSQL all the same: empty, full, with a flood of labels (in test_many_labels.py)
# and with odd queries (in test_fuzz.py).
ABOVE_THE_DATABASE = (
    r"usage/dashboard/(?!test_views.py::test_(an_empty|a_full)_database_has_every_page)",  # markup, of usage/analytics/
    r"usage/requestlogs/",  # texts of CPA, and how they are shown
    r"usage/api/test_numbers.py::.*\[captured-",  # one day: the same questions are asked of 17 days
    r"pricing/test_published.py::test_garbage_",  # files that are refused before anything is stored
    r"catalog/test_cpa.py",  # the HTTP client of CPA
    r"cpa_usage/admin/",  # who is let in to the admin
    r"cpa_usage/http/test_(answer|csp|errors|openapi|origin).py",  # headers, errors and the description of the API
    r"faults/test_(doors|logs).py",  # methods, redirects, cells of exports, and texts of CPA
)


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


@pytest.fixture(autouse=True)
def fields_that_a_test_met_end_with_it():
    """The process remembers names of fields that it does not know, and the next status would tell them."""
    yield
    unknown_fields.names.clear()


@pytest.fixture(autouse=True)
def partitions_of_a_test_end_with_it(request, django_db_blocker):
    """On PostgreSQL tables that are emptied keep their partitions, and to empty many of them takes a second."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if connection.vendor == "postgresql" and marker and marker.kwargs.get("transaction"):
        from usage.ingest.partitions import drop, partitions  # Django is ready by now

        with django_db_blocker.unblock():
            for partition in partitions():
                drop(partition)


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
    """On PostgreSQL only what may differ there: what asks the database and is about neither SQLite's file nor pages."""
    if connection.vendor != "sqlite":
        above = re.compile(f"tests/({'|'.join(ABOVE_THE_DATABASE)})")
        kept = [item for item in items if _asks_the_database(item) and not above.match(item.nodeid)]
        config.hook.pytest_deselected(items=set(items).difference(kept))
        items[:] = kept


def _asks_the_database(item):
    """Whether it does, and the database may be PostgreSQL."""
    if item.get_closest_marker("sqlite"):
        return False
    return item.get_closest_marker("django_db") or "db" in item.fixturenames or "transactional_db" in item.fixturenames


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("nothing_skipped") and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
