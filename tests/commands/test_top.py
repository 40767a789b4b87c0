"""manage.py top in a terminal of 80 columns and 24 lines, in a process of its own."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from functools import partial

import pytest

from tests import PROJECT
from tests.served import environment

MANAGE = [sys.executable, "-W", "ignore", "manage.py"]
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """A database without any records."""
    env = environment(tmp_path_factory.mktemp("top"), "/usage") | {"TERM": "xterm-256color"}
    subprocess.run([*MANAGE, "migrate", "--skip-checks", "-v0"], cwd=PROJECT, env=env, check=True)
    return env


def seen_until(terminal, text):
    """What the terminal was sent up to a text, or to its end."""
    seen = b""
    while text not in seen and select.select([terminal], [], [], PATIENCE_SECONDS)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the process has closed it
            break
        seen += part
        if not part:
            break
    return seen


@pytest.mark.parametrize("end", [b"q", b"\x03"], ids=["q", "Ctrl-C"])
def test_it_refreshes_shows_another_label_and_ends_as_it_found_the_terminal(env, end):
    outside, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(inside)
    process = subprocess.Popen(
        ["setsid", "--ctty", *MANAGE, "top", "--seconds", "0.2"],
        cwd=PROJECT,
        env=env,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  a job in the background ignores it
    )
    try:
        first = seen_until(outside, b"Errors")
        assert b"last minute: 0 requests" in first and b"drain silent" in first and b"Model" in first
        os.write(outside, b"k")
        assert b"Key" in seen_until(outside, b"Key")
        os.write(outside, end)
        rest = seen_until(outside, b"\x1b[?1049l")
        assert b"\x1b[?1049l" in rest and b"Traceback" not in rest
        assert process.wait(PATIENCE_SECONDS) == 0
        assert termios.tcgetattr(inside) == before
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        os.close(inside)
        os.close(outside)


def test_a_pipe_is_refused_with_a_sentence(env):
    done = subprocess.run([*MANAGE, "top"], cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == "CommandError: This needs a terminal: use report, which can be piped."
