"""Measures under load: the drain stores live records while clients poll what the dashboard polls."""

import json
import threading
import time
from collections import defaultdict

from scripts.benchmark.reads import API, Client, percentile
from scripts.benchmark.stage import Stage
from scripts.benchmark.watch import Watch, count_events, megabytes

POLLED = (
    "usage/overview?range=24h",
    "usage/overview?range=30d",
    "usage/analysis?range=7d",
    "usage/credentials?range=24h",
    "usage/events?range=24h&page_size=100",
    "usage/health",
    "status",
)
POLL_SECONDS = 5
SETTLE = 10  # seconds for the last records to be stored


def measure(stage: Stage, rate: float, clients: int, seconds: float) -> dict:
    """Records lost, the largest lag and the p99 of each polled endpoint, with so many records a second."""
    before = count_events(stage.database)
    stage.start("drain")
    stage.start_source("--rate", str(rate), "--seconds", str(seconds))
    with Watch(stage) as watch:
        took = poll(stage, clients, seconds)
        time.sleep(SETTLE)
    stored = count_events(stage.database) - before
    told = json.loads(stage.stop("cpa"))
    stage.stop("drain")
    return {
        "rate": rate,
        "clients": clients,
        "seconds": seconds,
        "made": told["made"],
        "lost": told["made"] - stored,
        "most_lag_ms": watch.most_lag_ms,
        "wal_peak_mb": megabytes(watch.peak_wal),
        "p99_ms": {path: round(percentile(times, 0.99), 1) for path, times in took.items()},
        "requests": sum(map(len, took.values())),
    }


def poll(stage: Stage, clients: int, seconds: float) -> dict[str, list[float]]:
    """Milliseconds of every request, by what was asked, while so many clients ask all of it every POLL_SECONDS."""
    took, until = defaultdict(list), time.monotonic() + seconds
    lock = threading.Lock()

    def one(number):
        client = Client(stage.base_url)
        time.sleep(POLL_SECONDS * number / clients)
        while time.monotonic() < until:
            round_began = time.monotonic()
            for path in POLLED:
                began = time.perf_counter()
                status, body, _ = client.get(f"{API}/{path}")
                with lock:
                    took[path].append((time.perf_counter() - began) * 1000)
                if status != 200:
                    raise SystemExit(f"{path} answered {status}: {body[:300]!r}")
            time.sleep(max(0, POLL_SECONDS - (time.monotonic() - round_began)))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took
