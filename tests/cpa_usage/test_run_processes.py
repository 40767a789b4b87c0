"""Processes that run together: they stop together, and none ends unseen."""

import signal
import subprocess
import sys
import time

import pytest

from tests import PROJECT

WAITS = "sh -c 'echo ready; while :; do sleep 0.05; done'"


@pytest.fixture
def together(tmp_path):
    """Start a Procfile of these lines; what is left of it ends with the test."""
    started = []

    def start(**lines):
        (tmp_path / "Procfile").write_text("".join(f"{name}: {command}\n" for name, command in lines.items()))
        command = [sys.executable, "-u", "-m", "cpa_usage.run_processes", str(tmp_path / "Procfile")]
        started.append(subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def wait_for(process, words, times):
    for line in process.stdout:
        times -= line.rstrip().endswith(words)
        if not times:
            return


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_with_status_0(together, number):
    process = together(one=WAITS, two=WAITS)
    wait_for(process, "| ready", 2)
    began = time.monotonic()
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, time.monotonic() - began < 5) == (0, True)
    assert sorted(line.split("| ")[1] for line in out.splitlines() if "stopped" in line) == [
        "one stopped (rc=-15)",
        "two stopped (rc=-15)",
    ]


@pytest.mark.parametrize(("end", "status"), [("exit 3", 3), ("exit 0", 1), ("kill -9 $$", 137)])
def test_one_that_ends_by_itself_is_named_and_ends_all(together, end, status):
    process = together(steady=WAITS, fickle=f"sh -c 'sleep 0.3; {end}'")
    out, _ = process.communicate(timeout=20)
    assert process.returncode == status
    assert [line.split("| ")[1].split(" (")[0] for line in out.splitlines() if "stopped" in line] == [
        "fickle stopped",
        "steady stopped",
    ]
