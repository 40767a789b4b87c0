"""An installation of its own, as processes: a drain and a web server on a SQLite file, and records for them."""

import contextlib
import ctypes
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from tests import PROJECT
from tests.usage.made import record
from tests.waiting import PATIENCE, until
from usage.collector.framing import found_in

AT_WORK, SERVING = "The drain is at work", "The dashboard is at"
START = 1_790_000_000_000_000
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 1, 2


def free_port() -> int:
    """A port without a listener; below those that the kernel gives to outgoing connections, which would take it."""
    while True:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", random.randrange(20_000, 32_000))) as one:
            return one.getsockname()[1]


class Process:
    """A command of the project, its words in a file."""

    def __init__(self, command, env, log: Path):
        self._log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                [sys.executable, *command],
                cwd=PROJECT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_obey_file_modes,  # noqa: PLW1509  it takes no lock
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def peak_kb(self) -> int:
        """The most memory it ever had, in kB."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))

    def says(self, words: str):
        """Wait until its log has these words."""
        until(lambda: words in self.log or self.popen.poll() is not None)
        assert words in self.log, self.log

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self.popen.wait()


class Stage:
    """Where everything of an installation lies, and what runs in it. `variables` are the environment's."""

    def __init__(self, home: Path, base_url: str, key: str, **variables):
        self.home, self.base_url, self.key = home, base_url, key
        self.data = home / "data"
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.port, self.running = free_port(), []
        self.variables = variables

    @property
    def database(self) -> Path:
        return self.data / "app.db"

    @property
    def spool(self) -> Path:
        return self.home / "spool"

    @property
    def env(self) -> dict:
        return {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "tests.cpa_usage.served_settings",  # no static files need be collected
            "ENV_FILE": "/dev/null",
            "CPA_BASE_URL": self.base_url,
            "CPA_MANAGEMENT_KEY": self.key,
            "SQLITE_PATH": str(self.database),
            "SPOOL_DIR": str(self.spool),
            "LOG_DIR": str(self.home / "logs"),
            "SECRET_KEY": "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789",
            "APP_PORT": str(self.port),
            "CPA_TIMEOUT": "10s",
            "METADATA_SYNC_INTERVAL": "1h",
            "REDIS_QUEUE_IDLE_INTERVAL": "50ms",
            "REDIS_QUEUE_ERROR_BACKOFF": "100ms",
            **self.variables,
        }

    def start(self, name: str, *command) -> Process:
        """Start web, drain or tasks, as the Procfile names them."""
        self.running.append(Process(command, self.env | {"CPA_USAGE_PROCESS": name}, self.home / f"{name}.out"))
        return self.running[-1]

    def drain(self) -> Process:
        return self.start("drain", "manage.py", "drain")

    def web(self) -> Process:
        process = self.start("web", "-m", "gunicorn", "--config", "python:cpa_usage.gunicorn", "cpa_usage.wsgi")
        process.says(SERVING)
        return process

    def manage(self, *words) -> subprocess.CompletedProcess:
        """Run a command of manage.py to its end."""
        return self.run("manage.py", *words)

    def run(self, *words) -> subprocess.CompletedProcess:
        """Run a program of Python to its end."""
        command = [sys.executable, *map(str, words)]
        return subprocess.run(command, cwd=PROJECT, env=self.env, capture_output=True, text=True, check=False)

    def client(self, **options) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}/usage", timeout=30, trust_env=False, **options)

    def ask(self, path: str) -> tuple[int, object]:
        """(status, JSON or text) of a GET."""
        with self.client() as client:
            reply = client.get(path)
        is_json = reply.headers.get("Content-Type", "").startswith("application/json")
        return reply.status_code, reply.json() if is_json else reply.text

    def query(self, sql: str):
        """The first row of an answer of the database; None while it does not answer."""
        with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(self.database, timeout=5)) as database:
            return database.execute(sql).fetchone()
        return None

    @property
    def stored(self) -> int:
        """Events in the database."""
        return (self.query("SELECT count(*) FROM usage_event") or [0])[0]

    @property
    def waiting(self) -> int:
        """Bytes in the spool."""
        sizes = []
        for path in self.spool.glob("*.batch"):
            with contextlib.suppress(FileNotFoundError):
                sizes.append(path.stat().st_size)
        return sum(sizes)

    @property
    def spooled(self) -> int:
        """Records in the spool: a drain that is killed has lost none of them, but may lose the reply it holds."""
        counts = []
        for path in self.spool.glob("*.batch"):
            with contextlib.suppress(FileNotFoundError):
                counts.append(len(found_in(path.read_bytes(), int(path.stem))[0]))
        return sum(counts)

    def end(self):
        for process in self.running:
            process.stop()


def _obey_file_modes():
    """Root may read and write everything; without these rights a process of root's finds doors closed as others do."""
    libc = ctypes.CDLL(None)
    for right in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        libc.prctl(_PR_CAPBSET_DROP, right, 0, 0, 0)


@contextmanager
def stages_in(home: Path, migrated: Path):
    """A function that sets a stage in a folder, on a copy of the `migrated` database; what runs there ends after."""
    stages = []

    def made(base_url, key, **variables):
        stages.append(Stage(home, base_url, key, **variables))
        if not stages[-1].database.exists():
            shutil.copy(migrated, stages[-1].database)
        return stages[-1]

    try:
        yield made
    finally:
        for stage in stages:
            stage.end()


def push(cpa, count, start=0, **fields):
    """So many records, told apart by their time."""
    cpa.push_many(record(START + number * 1000, **fields) for number in range(start, start + count))


def caught_up(stage, cpa, count):
    """All is stored once, nothing waits, and the totals are proved."""
    until(lambda: stage.stored == count and not stage.waiting and not cpa.queued)
    proof = stage.manage("verify")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    assert stage.query("SELECT sum(requests) FROM usage_day") == (count,)
