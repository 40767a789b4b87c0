"""The whole Procfile, started as scripts/run does: records of a simulated CPA reach the API, and all ends well."""

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from simulator import Simulator, traffic
from tests import PROJECT
from tests.served import environment

RECORDS = 50
PATIENCE = 90  # seconds; a machine may be busy


@pytest.fixture
def cpa():
    with Simulator(management_key="test-management-key") as simulator:
        simulator.feed(traffic.history(1, RECORDS, 7, datetime.now(UTC)))
        yield simulator


@pytest.fixture
def variables(tmp_path, cpa):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {
        **environment(tmp_path, "/usage"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
        "CPA_BASE_URL": cpa.base_url,
        "APP_PORT": str(port),
    }


def answered(url, good):
    """The first reply that is good, within PATIENCE."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if good(reply := httpx.get(url, timeout=10).json()):
                return reply
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"{url} never gave the answer")


def test_everything_starts_works_and_ends_together(variables):
    served = {**variables, "DJANGO_SETTINGS_MODULE": "tests.cpa_usage.served_settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=PROJECT, env=served, check=True)
    command = [sys.executable, "-m", "cpa_usage.run_processes", "Procfile"]
    together = subprocess.Popen(command, cwd=PROJECT, env=served, stdout=subprocess.PIPE, text=True)
    try:
        api = f"http://127.0.0.1:{variables['APP_PORT']}/usage/api/v1"
        reply = answered(f"{api}/usage/overview", lambda reply: reply["summary"]["total"] == RECORDS)
        assert sum(day["total"] for day in reply["daily_series"]) == RECORDS
        asked = answered(f"{api}/status", lambda reply: reply["last_metadata_sync_at"])  # by the tasks
        assert asked["total_inserted"] == RECORDS
    finally:
        together.send_signal(signal.SIGTERM)
        out, _ = together.communicate(timeout=30)
    assert together.returncode == 0, out
    stopped = sorted(line.split("| ")[1] for line in out.splitlines() if " stopped (" in line)
    assert stopped == ["drain stopped (rc=0)", "tasks stopped (rc=0)", "web stopped (rc=0)"]
    assert "The dashboard is at http://127.0.0.1:" in out


def test_without_a_cpa_a_start_ends_with_one_line(variables):
    done = subprocess.run(
        [sys.executable, "manage.py", "prepare", "--port"],
        cwd=PROJECT,
        env={**variables, "CPA_BASE_URL": "", "CPA_MANAGEMENT_KEY": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    for name in ("CPA_BASE_URL", "CPA_MANAGEMENT_KEY", "scripts/demo"):
        assert name in done.stderr


WEB_ONLY = {
    "rest_framework.serializers",
    "whitenoise",
    "django.contrib.messages",
    "usage.dashboard.templatetags",
    "usage.dashboard.urls",
}


@pytest.mark.parametrize(("process", "loads"), [("drain", set()), ("tasks", set()), ("web", WEB_ONLY), ("", WEB_ONLY)])
def test_only_the_web_loads_what_answers_requests(variables, process, loads):
    """The drain and the task cluster would hold it as well."""
    program = (
        "import sys, django; from django.core import checks; django.setup(); checks.run_checks(); print(*sys.modules)"
    )
    environment = {**variables, "DJANGO_SETTINGS_MODULE": "cpa_usage.settings", "CPA_USAGE_PROCESS": process}
    line = [sys.executable, "-c", program]
    done = subprocess.run(line, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    assert WEB_ONLY & set(done.stdout.split()) == loads
