"""A Debian that is booted with its own systemd and network, by systemd-nspawn."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import PROJECT
from tests.waiting import until

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Container:
    """One that runs; commands in it are root's."""

    def __init__(self, root: Path):
        self.root = root
        words = ["systemd-nspawn", "-D", str(root), "--register=no", "--keep-unit", "--private-network", "--boot"]
        with (root / "console.log").open("w") as console:
            self._nspawn = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.leader = []
        try:
            until(self._is_up, wait=0.1)
        except BaseException:
            self.end()
            raise

    def _is_up(self):
        """Its first child soon leaves the place to another, which is the container's init."""
        assert self._nspawn.poll() is None, (self.root / "console.log").read_text()
        self.leader = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()[:1]
        return self.leader and self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def start(self, *words, **variables) -> subprocess.Popen:
        """A command with these variables alone, in which no list of processes shows them."""
        entered = ["nsenter", "-t", *self.leader, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        variables = {"PATH": PATH, "LC_ALL": "C.UTF-8"} | variables
        return subprocess.Popen([*entered, *map(str, words)], env=variables, text=True, start_new_session=True, **pipes)

    def run(self, *words, **variables) -> subprocess.CompletedProcess:
        """Its standard error is in its output."""
        process = self.start(*words, **variables)
        output, _ = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, output)

    def run_here(self, module: str, *words) -> subprocess.Popen:
        """A module of ours, which sees this machine's files and the container's network."""
        command = ["nsenter", "-t", *self.leader, "-n", sys.executable, "-m", module, *map(str, words)]
        variables = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "tests.settings"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return subprocess.Popen(command, cwd=PROJECT, env=variables, text=True, bufsize=1, **pipes)

    def end(self):
        for pid in self.leader:
            os.kill(int(pid), signal.SIGKILL)  # its init, and with it everything in there
        if not self.leader:
            self._nspawn.kill()
        self._nspawn.wait()


@pytest.fixture(scope="module")
def container(debian_root, tmp_path_factory):
    """A booted one; what it needs to make a virtual environment is installed."""
    if not shutil.which("systemd-nspawn"):
        pytest.skip("systemd-container is not installed")
    root = debian_root(tmp_path_factory.mktemp("machine") / "root", "systemd", "systemd-sysv", "dbus", "python3-venv")
    booted = Container(root)
    yield booted
    booted.end()
    shutil.rmtree(root, ignore_errors=True)
