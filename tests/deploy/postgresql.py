"""PostgreSQL servers of a test's own: made from one that was migrated once, replicated, promoted, killed."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests.faults.stage import Stage, free_port
from tests.waiting import until

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
NAME, PASSWORD = "cpa_usage", "tests"
# What it holds is thrown away: nothing has to reach the disk.
OPTIONS = "-h 127.0.0.1 -c fsync=off -c full_page_writes=off -c shared_buffers=32MB"


def run(program: str, *words, entered=()):
    """Run a program of PostgreSQL, as a user that it accepts; `entered` is a command that enters some place first."""
    as_owner = ["runuser", "-u", _owner(), "--"] if os.getuid() == 0 else []
    command = [*entered, *as_owner, PROGRAMS[-1] / program, *words]
    done = subprocess.run(list(map(str, command)), cwd="/", stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, command


def _owner():
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


class Server:
    """A server on a folder of data; it has the database of cpa-usage."""

    def __init__(self, home: Path):
        self.home, self.port = home, free_port()
        self.data, self.database = home / "data", NAME

    def __str__(self):
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return address(self, name=self.database)

    def start(self, *entered):
        options = f"{OPTIONS} -p {self.port} -k {self.home}"
        run("pg_ctl", "-D", self.data, "-l", self.home / "log", "-w", "-o", options, "start", entered=entered)
        return self

    def stop(self):
        if (self.data / "postmaster.pid").exists():
            run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def kill(self):
        """As kill -9 of all of it."""
        number = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        for each in (number, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        (self.data / "postmaster.pid").unlink()

    def replicate(self, home: Path) -> "Server":
        """A replica of it that follows."""
        home.mkdir()
        _give(home)
        run("pg_basebackup", "-D", home / "data", "-R", "-c", "fast", "-d", address(self))
        return Server(home).start()

    def promote(self):
        run("pg_ctl", "-D", self.data, "-w", "promote")

    def query(self, sql: str):
        """The first row of an answer; None while it does not answer."""
        with contextlib.suppress(psycopg.Error), psycopg.connect(self.address, autocommit=True) as connection:
            done = connection.execute(sql)
            return done.fetchone() if done.description else ()
        return None

    @property
    def stored(self) -> int:
        """Events in it."""
        return (self.query("SELECT count(*) FROM usage_event") or [0])[0]


def address(*servers, name=NAME, options="") -> str:
    """The DATABASE_URL of servers, or of host:port."""
    return f"postgres://cpa:{PASSWORD}@{','.join(map(str, servers))}/{name}{options}"


def _give(home: Path):
    home.chmod(0o755)
    if os.getuid() == 0:
        shutil.chown(home, _owner())


@pytest.fixture(scope="session")
def migrated_server():
    """The folder of a stopped server with a database of ours, migrated, of which servers are copies."""
    if not PROGRAMS:
        pytest.skip("PostgreSQL is not installed")
    home = Path(tempfile.mkdtemp(prefix="cpa-usage-postgres-"))
    _give(home)
    (home / "password").write_text(PASSWORD)
    _give(home / "password")
    words = ("-A", "scram-sha-256", "--pwfile", home / "password", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    run("initdb", "-D", home / "data", "-U", "cpa", *words)
    server = Server(home).start()
    server.database = "postgres"
    server.query(f"CREATE DATABASE {NAME}")
    server.database = NAME
    (home / "stage").mkdir()
    stage = Stage(home / "stage", "http://127.0.0.1:1", "key", DATABASE_URL=server.address)
    done = stage.manage("migrate", "--verbosity=0", "--skip-checks")
    assert done.returncode == 0, done.stderr
    run("pg_ctl", "-D", server.data, "-m", "fast", "-w", "stop")
    yield home
    shutil.rmtree(home)


@pytest.fixture
def servers(migrated_server):
    """A function that starts a server, or a replica of one; all of them end with the test."""
    home, made = Path(tempfile.mkdtemp(prefix="cpa-usage-servers-")), []
    _give(home)

    def start(replica_of: Server | None = None) -> Server:
        folder = home / str(len(made))
        if replica_of is None:
            folder.mkdir()
            _give(folder)
            subprocess.run(["cp", "-a", migrated_server / "data", folder / "data"], check=True)
            made.append(Server(folder).start())
        else:
            made.append(replica_of.replicate(folder))
        return made[-1]

    yield start
    for server in made:
        server.stop()
    shutil.rmtree(home, ignore_errors=True)


def follows(replica: Server, primary: Server):
    """Wait until the replica has all that the primary has now."""
    (position,) = primary.query("SELECT pg_current_wal_lsn()::text")
    until(lambda: replica.query(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == (True,))
