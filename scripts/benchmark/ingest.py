"""Measures the write road: records through the real socket, drain and spool into rows."""

import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import Process
from pathlib import Path

from scripts.benchmark.labels import spread
from scripts.benchmark.source import ZONE
from scripts.benchmark.stage import Stage
from scripts.benchmark.watch import Watch, count_events, cpu_seconds, megabytes, pss_of
from simulator import traffic

SLICE = 100_000
STALLED = 120  # seconds without progress
ON_DISK = 2_000_000  # records made beforehand; more are made meanwhile, which takes a part of a core


@contextmanager
def made_records(path: Path, events: int, days: float, labels: int):
    """A file of records, one a line, spread over so many label sets, or 0: as the traffic has them.

    Of many it is a pipe: they need neither memory nor disk.
    """
    if events <= ON_DISK:
        _make_records(path, events, days, labels)
        yield path
    else:
        os.mkfifo(path)
        maker = Process(target=_make_records, args=(path, events, days, labels))
        maker.start()
        yield path
        maker.terminate()
        maker.join()
    path.unlink()


def _make_records(path, events, days, labels):
    records = traffic.history(days, events, 7, datetime.now(UTC), ZONE)
    with path.open("wb") as file:
        for record in spread(records, labels) if labels else records:
            file.write(record + b"\n")


def measure(stage: Stage, records: Path, events: int) -> dict:
    """Drain the file; figures of the whole, of the first and of the last slice. The drain keeps running."""
    stage.start_source("--file", str(records))
    with Watch(stage) as watch:
        stage.start("drain")
        _wait(watch, events)
        watch.sample()
        cpu = cpu_seconds(stage.processes["drain"].pid)
        server = stage.database.pid
        server_cpu, server_pss = (cpu_seconds(server), pss_of(server)) if server else (0, 0)
    stored = count_events(stage.database)
    disk = stage.database.disk_bytes()
    stage.stop("drain")
    stage.stop("cpa")
    stage.database.settle()
    return {
        "events": stored,
        "records_per_second": round(_rate(watch.stored, 0, events)),
        "first_slice_per_second": round(_rate(watch.stored, 0, SLICE)),
        "last_slice_per_second": round(_rate(watch.stored, events - SLICE, events)),
        "drain_cpu_us_per_record": round(cpu * 1_000_000 / max(stored, 1), 1),
        "server_cpu_us_per_record": round(server_cpu * 1_000_000 / max(stored, 1), 1),
        "server_pss_mb": megabytes(server_pss),
        "drain_peak_rss_mb": megabytes(watch.peak_rss["drain"]),
        "wal_peak_mb": megabytes(watch.peak_wal),
        "spool_peak_mb": megabytes(watch.peak_spool),
        "bytes_per_event": round(disk / max(stored, 1), 1),
        "bytes_per_event_at_rest": round(stage.database.disk_bytes() / max(stored, 1), 1),
    }


def _wait(watch, events):
    """Until all are stored, or nothing happens any more."""
    seen, since = 0, time.monotonic()
    while seen < events and time.monotonic() - since < STALLED:
        time.sleep(0.2)
        if watch.stored and watch.stored[-1][1] != seen:
            seen, since = watch.stored[-1][1], time.monotonic()


def _rate(samples, first, last) -> float:
    """Events a second between the samples nearest to two counts; 0 when there are too few of them."""
    moving = [sample for i, sample in enumerate(samples) if i == 0 or sample[1] != samples[i - 1][1] or sample[1] == 0]
    inside = [sample for sample in moving if first <= sample[1] <= last]
    if len(inside) < 2:
        return 0
    # Of the samples before anything was stored only the last counts: the drain was starting.
    began = max((s for s in inside if s[1] == inside[0][1]), key=lambda s: s[0])
    return (inside[-1][1] - began[1]) / (inside[-1][0] - began[0])
