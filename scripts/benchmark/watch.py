"""Watches a running stage: memory of each process with its children, files on disk, and what is stored so far."""

import contextlib
import threading
import time
from pathlib import Path

from scripts.benchmark.databases import size_of

EVERY = 0.25  # seconds


class Watch:
    """`with Watch(stage) as watch:` samples until the block ends."""

    def __init__(self, stage):
        self._stage = stage
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak_rss: dict[str, int] = {}  # bytes, by process
        self.peak_wal = self.peak_spool = 0  # bytes
        self.most_lag_ms = 0
        _, self._lag_before = progress(stage.database)  # of an earlier run, until this one's drain tells its own
        self.stored: list[tuple[float, int]] = []  # (monotonic seconds, events stored)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._ended.set()
        self._thread.join()

    def _run(self):
        while not self._ended.wait(EVERY):
            self.sample()

    def sample(self):
        """Look once."""
        for name, main in self._stage.pids.items():
            rss = sum(rss_of(pid) for pid in family(main))
            self.peak_rss[name] = max(self.peak_rss.get(name, 0), rss)
        self.peak_wal = max(self.peak_wal, self._stage.database.log_bytes())
        self.peak_spool = max(self.peak_spool, sum(map(size_of, (self._stage.directory / "spool").glob("*"))))
        inserted, lag = progress(self._stage.database)
        if lag != self._lag_before:
            self._lag_before, self.most_lag_ms = None, max(self.most_lag_ms, lag)
        self.stored.append((time.monotonic(), inserted))


def progress(database) -> tuple[int, int]:
    """(events ever inserted, lag of the last batch in ms) as the drain last told."""
    return database.ask("SELECT total_inserted, lag_ms FROM usage_drainstate") or (0, 0)


def count_events(database) -> int:
    """Events in the table, counted."""
    return (database.ask("SELECT count(*) FROM usage_event") or (0,))[0]


def pss_of(pid: int) -> int:
    """Bytes of a process and its children, shared pages shared out."""
    return sum(_kilobytes(f"/proc/{each}/smaps_rollup", "Pss:") for each in family(pid)) * 1024


def rss_of(pid: int) -> int:
    """Resident bytes of one process."""
    return _kilobytes(f"/proc/{pid}/status", "VmRSS:") * 1024


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children, those that ended too, in seconds."""
    ticks = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / 100


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _kilobytes(path, name):
    with contextlib.suppress(OSError):
        for line in Path(path).read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    return 0


def megabytes(size: int) -> float:
    """Of bytes, to one decimal."""
    return round(size / 1_000_000, 1)
