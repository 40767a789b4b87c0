"""Where a benchmark runs: a temporary data folder, and the project's processes with an environment of their own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from honcho.environ import parse_procfile

from scripts.benchmark.databases import PostgreSQL, SQLite, free_port
from scripts.benchmark.source import KEY, ZONE

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = parse_procfile((ROOT / "Procfile").read_text()).processes
PATIENCE = 60  # seconds for a process to come up or to end


class Stage:
    """`with Stage() as stage:` starts nothing by itself; everything started is stopped when the block ends."""

    def __init__(self, directory: str | None = None, database: str = "sqlite"):
        """`directory`: a data folder to keep, made if missing; a temporary one is removed at the end.

        `database`: sqlite, postgres for a server of its own, or the address of one.
        """
        self._kept = directory is not None
        self.directory = Path(directory or tempfile.mkdtemp(prefix="cpa-usage-bench-")).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o711)  # the user of PostgreSQL passes through it
        url = database if "://" in database else ""
        self.database = SQLite(self.directory) if database == "sqlite" else PostgreSQL(self.directory, url)
        self.processes: dict[str, subprocess.Popen] = {}
        self.cpa_port, self.port = free_port(), free_port()

    def __enter__(self):
        self.database.start()
        return self

    def __exit__(self, *exception):
        for name in list(self.processes):
            self.stop(name)
        self.database.stop()
        if not self._kept:
            shutil.rmtree(self.directory)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the machine's own settings but where programs are."""
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "CPA_BASE_URL": f"http://127.0.0.1:{self.cpa_port}",
            "CPA_MANAGEMENT_KEY": KEY,
            "SQLITE_PATH": str(self.directory / "app.db"),
            "LOG_DIR": str(self.directory / "logs"),
            "APP_HOST": "127.0.0.1",
            "APP_PORT": str(self.port),
            "AUTH_ENABLED": "false",
            "USAGE_RETENTION_DAYS": "0",
            "SECRET_KEY": "benchmark-only-0123456789-abcdefghijklmnopqrstuvwxyz",
            "TZ": ZONE,
            **self.database.environment,
        }

    def manage(self, *arguments: str):
        """Run a management command to its end; raises CalledProcessError."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def start_source(self, *arguments: str):
        """The CPA stand-in; serves when this returns."""
        command = [sys.executable, "-m", "scripts.benchmark.source", str(self.cpa_port), *arguments]
        process = self._start("cpa", command, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()

    @property
    def pids(self) -> dict[str, int]:
        """Of every process that runs, PostgreSQL's own too where it is ours."""
        server = {self.database.name: self.database.pid} if self.database.pid else {}
        return {name: process.pid for name, process in self.processes.items()} | server

    def start(self, name: str) -> float:
        """One of web, drain and tasks, by its line of the Procfile; for the web the seconds until it answers."""
        began = time.monotonic()
        self._start(name, ["sh", "-c", f"exec {PROCESSES[name]}"], stdout=subprocess.DEVNULL)
        if name == "web":
            self._wait_for_answer()
        return time.monotonic() - began

    def stop(self, name: str) -> str:
        """End a process of ours with SIGTERM; what it printed last, where that is kept."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            said, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return said or ""

    def _start(self, name, command, **options):
        log = (self.directory / f"{name}.err").open("ab")
        process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=log, **options)
        self.processes[name] = process
        return process

    def _wait_for_answer(self):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(OSError):  # of every kind
                urllib.request.urlopen(f"{self.base_url}/healthz", timeout=5).close()
                return
            time.sleep(0.02)
        raise SystemExit(f"The web server did not come up; see {self.directory}/web.err.")
