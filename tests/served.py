"""Servers as in production, in a process of their own: their environment, and the address they listen at."""

import os
import re

from tests import PROJECT


def environment(directory, base):
    """A server's environment: a database of its own and nothing of the machine's."""
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "tests.cpa_usage.served_settings",
        "PYTHONPATH": os.pathsep.join((str(PROJECT), os.environ.get("PYTHONPATH", ""))),
        "ENV_FILE": os.devnull,
        "CPA_BASE_URL": "http://127.0.0.1:1",
        "CPA_MANAGEMENT_KEY": "test-management-key",
        "SQLITE_PATH": str(directory / "app.db"),
        "LOG_FILE_ENABLED": "false",
        "AUTH_ENABLED": "false",
        "APP_BASE_PATH": base,
        "CPA_USAGE_COMMIT": "abc1234",
        "CPA_USAGE_BUILD_DATE": "2026-11-24T04:00:00Z",
    }


def address_of(process):
    """The address at which a gunicorn process says it listens; raises AssertionError with its output if it ends."""
    said = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", line):
            return found[1]
    raise AssertionError("".join(said))
