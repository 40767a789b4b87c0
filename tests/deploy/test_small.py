"""The smallest server: one core and 512 MB for web, drain and tasks together, and all that is promised works there."""

import contextlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.benchmark.watch import pss_of
from simulator import Simulator, traffic
from tests.faults.conftest import migrated, set_up  # noqa: F401  fixtures
from tests.faults.stage import AT_WORK, caught_up, free_port
from tests.waiting import until

MOST_BYTES = 230_000_000  # of web, drain and tasks together; what they share counts once
MEMORY_BYTES, CORE_US = 512 << 20, 100_000  # a tenth of a second of each tenth: one core
RATE, CLIENTS = 200, 3  # records a second; browsers that ask one page after the other
SECONDS, SOAK_SECONDS = 10, 600
CGROUPS = Path("/sys/fs/cgroup")
PAGES = (
    "/",
    "/?period=30d",
    "/requests/",
    "/analysis/",
    "/health/",
    "/accounts/",
    "/prices/",
    "/keys/",
    "/system/",
    "/api/v1/usage/overview",
    "/api/v1/usage/analysis",
    "/readyz",
)


class Small:
    """A control group with the limits of a small server, of either version of cgroups."""

    def __init__(self):
        """Raises OSError where none can be made."""
        self._one = (CGROUPS / "memory").is_dir()
        roots = [CGROUPS / "memory", CGROUPS / "cpu"] if self._one else [CGROUPS]
        self._folders = [root / "cpa-usage-small" for root in roots]
        if not self._one:
            (CGROUPS / "cgroup.subtree_control").write_text("+memory +cpu")
        for folder in self._folders:
            folder.mkdir()
        for name, limit in self._limits():
            self._file(name).write_text(str(limit))

    def _limits(self):
        if self._one:
            yield from {"memory.limit_in_bytes": MEMORY_BYTES, "memory.swappiness": 0}.items()
            yield from {"cpu.cfs_period_us": CORE_US, "cpu.cfs_quota_us": CORE_US}.items()
        else:
            yield from {"memory.max": MEMORY_BYTES, "memory.swap.max": 0, "cpu.max": f"{CORE_US} {CORE_US}"}.items()

    def _file(self, name):
        return self._folders[-1 if name.startswith("cpu") else 0] / name

    def take(self, process):
        """Put a process in, with all that it will start."""
        for folder in self._folders:
            (folder / "cgroup.procs").write_text(str(process.popen.pid))

    @property
    def used(self) -> int:
        """Bytes of its processes, without what the kernel keeps of files as long as there is room."""
        names = {"total_rss"} if self._one else {"anon"}
        return next(int(value) for name, value in self._lines("memory.stat") if name in names)

    @property
    def killed(self) -> int:
        """Processes that were ended because there was no more memory."""
        file = "memory.oom_control" if self._one else "memory.events"
        return next(int(value) for name, value in self._lines(file) if name == "oom_kill")

    def _lines(self, name):
        return (line.split() for line in self._file(name).read_text().splitlines())

    def end(self):
        """When all its processes have ended."""
        for folder in self._folders:
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()


@pytest.fixture
def small():
    try:
        group = Small()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    yield group
    group.end()


@pytest.fixture
def stage(small, set_up):  # noqa: F811  the fixture; it ends before the group does
    with Simulator(port=free_port(), retention_seconds=3600) as cpa:
        stage = set_up(cpa.base_url, cpa.management_key, METADATA_SYNC_INTERVAL="30s")
        stage.cpa = cpa
        yield stage
        stage.end()


def test_the_smallest_server_drains_and_answers(stage, small, soak, capsys):
    processes = [stage.drain(), stage.start("tasks", "manage.py", "qcluster")]
    for process in processes:
        small.take(process)
    processes.append(stage.start("web", "-m", "gunicorn", "--config", "python:cpa_usage.gunicorn", "cpa_usage.wsgi"))
    small.take(processes[-1])
    for process, words in zip(processes, (AT_WORK, "running.", "The dashboard is at"), strict=True):
        process.says(words)
    end = time.monotonic() + (SOAK_SECONDS if soak else SECONDS)
    with ThreadPoolExecutor(CLIENTS) as clients:
        asked = [clients.submit(browse, stage, number, end) for number in range(CLIENTS)]
        made, most = feed(stage.cpa, small, end)
        took = sorted(seconds for client in asked for seconds in client.result())
    caught_up(stage, stage.cpa, made)
    web = processes[-1].popen.pid
    loaded = [Path(f"/proc/{pid}/maps").read_text() for pid in (web, *children(web))]
    assert len(loaded) == 2 and not any("psycopg" in files for files in loaded)
    until(lambda: memory(processes) < MOST_BYTES)  # a task that runs has some of its own
    shared = memory(processes)
    assert [process.stop() for process in processes] == [0, 0, 0]
    assert (small.killed, stage.query("SELECT count(*) FROM usage_gap")) == (0, (0,))
    assert made > 0.9 * RATE * (SOAK_SECONDS if soak else SECONDS)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{made:,} records; {len(took):,} pages, half of them within {took[len(took) // 2]:.2f} s and all within "
            f"{took[-1]:.2f}; at most {most / 1e6:.0f} MB, {shared / 1e6:.0f} in the end\n"
        )


def memory(processes) -> int:
    """Bytes of the processes and their children, shared pages shared out."""
    return sum(pss_of(process.popen.pid) for process in processes)


def children(pid) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def browse(stage, number, end) -> list[float]:
    """Ask one page after the other, each of which must come; the seconds that each took."""
    took = []
    with stage.client() as client:
        while (began := time.monotonic()) < end:
            page = PAGES[(number * 5 + len(took)) % len(PAGES)]
            reply = client.get(page)
            assert reply.status_code == 200, (page, reply.status_code, reply.text[:200])
            took.append(time.monotonic() - began)
    return took


def feed(cpa, small, end) -> tuple[int, int]:
    """(records made at RATE, most bytes that the group had)."""
    made = most = 0
    records, began = traffic.live(RATE, seed=17, sleep=lambda _: False), time.monotonic()
    while (now := time.monotonic()) < end:
        due = int((now - began) * RATE) - made
        cpa.push_many(next(records) for _ in range(due))
        made, most = made + due, max(most, small.used)
        time.sleep(0.05)
    return made, most
