"""What holds for every test: which of them belong to one database alone, and a run in which nothing may be skipped."""

import pytest
from django.db import connection


def pytest_addoption(parser):
    parser.addoption("--nothing-skipped", action="store_true", help="a skipped test fails the run")


def pytest_collection_modifyitems(config, items):
    """Tests marked `sqlite` are about SQLite's own file: on PostgreSQL there is nothing to test, so nothing to skip."""
    if connection.vendor != "sqlite":
        elsewhere = [item for item in items if item.get_closest_marker("sqlite")]
        items[:] = [item for item in items if item not in elsewhere]
        config.hook.pytest_deselected(items=elsewhere)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("nothing_skipped") and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
