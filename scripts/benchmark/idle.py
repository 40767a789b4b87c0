"""Measures what web, drain and tasks take when nothing happens, right after their start or after a time of work."""

import time

from scripts.benchmark.load import poll
from scripts.benchmark.stage import Stage
from scripts.benchmark.watch import cpu_seconds, megabytes, pss_of

NAMES = ("web", "drain", "tasks", "postgres")
RATE, CLIENTS = 200, 2  # records a second and clients that poll, while it works


def measure(stage: Stage, seconds: float, work: float = 0) -> dict:
    """PSS of each process with its children in MB, and the share of a core they use, over so many idle seconds.

    `work`: seconds of live traffic before.
    """
    stage.start_source(*(("--rate", str(RATE), "--seconds", str(work)) if work else ()))
    for name in ("drain", "tasks"):
        stage.start(name)
    if work:
        poll(stage, CLIENTS, work)
    time.sleep(min(seconds, 15))  # starting is not idling
    pids = {name: stage.pids[name] for name in NAMES if name in stage.pids}
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    pss = {name: megabytes(pss_of(pid)) for name, pid in pids.items()}
    cpu = {name: round(100 * (cpu_seconds(pid) - before[name]) / seconds, 2) for name, pid in pids.items()}
    for name in ("drain", "tasks", "cpa"):
        stage.stop(name)
    return {
        "pss_mb": pss,
        "pss_sum_mb": round(sum(pss.values()), 1),
        "cpu_percent": cpu,
        "cpu_sum_percent": round(sum(cpu.values()), 2),
    }
