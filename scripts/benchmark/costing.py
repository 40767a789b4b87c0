"""Measures the first price of every model: the catalogue's, after which the task cluster costs all history again."""

import time

from scripts.benchmark.stage import Stage
from scripts.benchmark.watch import Watch, megabytes

LONGEST = 7200  # seconds: fifty million events take half an hour on PostgreSQL


def measure(stage: Stage) -> dict:
    """How long it takes, what memory it needs and how far the log grows, with the drain at work as always."""
    stage.start_source()
    stage.start("drain")
    with Watch(stage) as watch:
        began = time.monotonic()
        stage.start("tasks")
        while not _all_asked(stage):
            if time.monotonic() - began > LONGEST:
                raise SystemExit(f"The models have no price after {LONGEST} s; see {stage.directory}/tasks.err.")
            time.sleep(0.1)
        took = time.monotonic() - began
    for name in ("tasks", "drain", "cpa"):
        stage.stop(name)
    return {
        "seconds": round(took, 1),
        "tasks_peak_rss_mb": megabytes(watch.peak_rss["tasks"]),
        "wal_peak_mb": megabytes(watch.peak_wal),
    }


def _all_asked(stage) -> bool:
    """Whether the catalogue was asked about every model; each is asked about once its history is costed."""
    models, asked = stage.database.ask(
        "SELECT (SELECT count(*) FROM pricing_model), (SELECT count(*) FROM pricing_catalogueentry)"
    )
    return 0 < models == asked
