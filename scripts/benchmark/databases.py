"""The database of a benchmark, SQLite's file or a PostgreSQL: how the project reaches it, what it holds and takes."""

import contextlib
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
from pathlib import Path

import psycopg

# As on a small machine with 2 GB. All else is PostgreSQL's default: fsync is on, and a commit waits for the disk.
SETTINGS = {"shared_buffers": "512MB"}


class SQLite:
    """A file in the data folder."""

    name, pid = "sqlite", None
    settings: dict = {}

    def __init__(self, directory: Path):
        self._path = directory / "app.db"
        self.environment: dict[str, str] = {}  # SQLITE_PATH is always set

    def start(self):
        """There is no server."""

    def stop(self):
        """There is no server."""

    def settle(self):
        """Nothing is left to do after a fill."""

    def ask(self, query: str) -> tuple | None:
        """The first row of an answer; None where the tables are not made yet."""
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(self._connect()) as connection:
            return connection.execute(query).fetchone()
        return None

    def disk_bytes(self) -> int:
        """The database file and what belongs to it."""
        return sum(size_of(path) for path in self._path.parent.glob(f"{self._path.name}*"))

    def log_bytes(self) -> int:
        """The write-ahead log."""
        return size_of(self._path.with_name("app.db-wal"))

    def _connect(self):
        return sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)


class PostgreSQL:
    """The server of an address, or without one a server of its own in the data folder, with SETTINGS."""

    name, pid = "postgres", None

    def __init__(self, directory: Path, url: str = ""):
        self._data, self._port = directory / "postgres", free_port()
        self._own = not url
        self.settings = SETTINGS if self._own else {}
        self.url = url or f"postgres://cpa@127.0.0.1:{self._port}/postgres"
        self.environment = {"DATABASE_URL": self.url}
        self._connection = None

    def start(self):
        """Start the server, where it is ours; a new one gets its files first."""
        if not self._own:
            return
        if not (self._data / "PG_VERSION").exists():
            self._data.mkdir(mode=0o700, exist_ok=True)
            if owner := _owner():
                shutil.chown(self._data, owner)
            self._run("initdb", "-U", "cpa", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        settings = {"port": self._port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self._data}
        given = " ".join(f"-c {name}={value}" for name, value in (settings | SETTINGS).items())
        self._run("pg_ctl", "-w", "-l", str(self._data / "server.log"), "-o", given, "start")
        self.pid = int((self._data / "postmaster.pid").read_text().split()[0])

    def stop(self):
        """Stop the server, where it is ours, with a checkpoint."""
        if self._connection:
            self._connection.close()
        if self.pid:
            self._run("pg_ctl", "-w", "-m", "fast", "-t", "600", "stop")

    def settle(self):
        """What autovacuum does some minutes after a fill, done now: plans and visibility are as in daily work."""
        self.ask("VACUUM ANALYZE")
        self.ask("CHECKPOINT")

    def ask(self, query: str) -> tuple | None:
        """The first row of an answer; None where there is none, or the tables are not made yet."""
        if not self._connection or self._connection.closed:
            self._connection = psycopg.connect(self.url, autocommit=True)
        with contextlib.suppress(psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
            cursor = self._connection.execute(query)
            return cursor.fetchone() if cursor.description else None
        return None

    def disk_bytes(self) -> int:
        """Tables and indexes."""
        return self.ask("SELECT pg_database_size(current_database())")[0]

    def log_bytes(self) -> int:
        """The write-ahead log, which is not in disk_bytes: PostgreSQL keeps its files and uses them again."""
        return int((self.ask("SELECT sum(size) FROM pg_ls_waldir()") or [0])[0])

    def _run(self, program, *arguments):
        owner = _owner()
        command = [str(_programs() / program), "-D", str(self._data), *arguments]
        command = ["runuser", "-u", owner, "--", *command] if owner else command
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)


def _owner() -> str | None:
    """The user that PostgreSQL runs as: it refuses root."""
    return None if os.getuid() else pwd.getpwnam("postgres").pw_name


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not (found or on_path):
        raise SystemExit("PostgreSQL's server is not installed (Debian: apt install postgresql).")
    return found[-1].parent if found else Path(on_path).parent


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def size_of(path: Path) -> int:
    """Bytes of a file; 0 when it is not there."""
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
