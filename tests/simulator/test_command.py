"""`python -m simulator` as a process: it says where it is, serves history, then live records, and stops cleanly."""

import signal
import subprocess
import sys

import pytest
import redis

from simulator.__main__ import main


@pytest.fixture
def started():
    """A function that starts the command on a free port and gives (process, RESP client)."""
    processes = []

    def start(*options):
        command = [sys.executable, "-m", "simulator", "--port", "0", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        return process, redis.Redis(port=port, password="k", protocol=2, driver_info=None)

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_history_then_live_records_then_a_clean_stop(started, number):
    process, client = started("--key", "k", "--history-days", "2", "--history-events", "2500", "--rate", "200")
    popped = [len(client.lpop("usage", 1000)) for _ in range(3)]
    assert popped == [1000, 1000, 500]
    while not client.lpop("usage", 1000):
        pass
    process.send_signal(number)
    assert process.wait(5) == 0
    assert process.stdout.read() == ""  # one line with its address was all


def test_without_a_rate_and_history_the_queue_stays_empty(started):
    process, client = started("--key", "k", "--rate", "0")
    assert client.lpop("usage") is None
    process.terminate()
    assert process.wait(5) == 0


@pytest.mark.parametrize(
    "options", [["--rate", "-1"], ["--zone", "Nowhere/Else"], ["--history-days", "nan"], ["--retention", "0"]]
)
def test_nonsense_is_refused(options, capsys):
    with pytest.raises(SystemExit) as refusal:
        main(options)
    assert refusal.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_a_taken_port_is_said_so(cpa):
    result = subprocess.run(
        [sys.executable, "-m", "simulator", "--port", str(cpa.port)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"cannot listen on 127.0.0.1:{cpa.port}: Address already in use\n"
