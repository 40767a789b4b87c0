"""`scripts/bench`: measures ingest, disk, memory and every read, or with --load the whole under live traffic."""

import argparse
import json
import sys
from pathlib import Path

from scripts.benchmark import costing, idle, ingest, load, reads
from scripts.benchmark.report import compared, facts, table
from scripts.benchmark.stage import Stage
from scripts.benchmark.watch import count_events


def main() -> int:
    """Run what was asked for; figures go to the terminal and, as JSON, to a file."""
    options = _options()
    with Stage(options.data, options.database) as stage:
        figures: dict = {"database": stage.database.name, "settings": stage.database.settings, "events": options.events}
        stage.manage("prepare")
        _fill(stage, options, figures)
        figures["web_start_seconds"] = round(stage.start("web"), 2)
        if options.load:
            figures["load"] = _under_load(stage, options)
        else:
            figures["idle"] = idle.measure(stage, options.idle, options.work)
            after = f"{options.work:g} s of work" if options.work else "their start"
            print(f"\nIdle for {options.idle:g} s after {after}; the web was up in {figures['web_start_seconds']} s")
            print(facts(figures["idle"]), flush=True)
            figures["reads"] = _reads(stage, options.requests)
            if options.compare:
                print("\n" + compared(figures, json.loads(Path(options.compare).read_text())))
    Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\nWritten to {options.json}")
    return 0


def _fill(stage: Stage, options, figures: dict):
    """Store the records, unless the data folder has them from an earlier run."""
    if count_events(stage.database):
        print("Using what the database holds.", flush=True)
        return
    records = stage.directory / "records.jsonl"
    print(f"Making {options.events:,} records over {options.days:g} days …", flush=True)
    with ingest.made_records(records, options.events, options.days, options.labels):
        figures["ingest"] = ingest.measure(stage, records, options.events)
    print("Ingest\n" + facts(figures["ingest"]), flush=True)
    figures["costing"] = costing.measure(stage)
    print("\nThe first price of every model\n" + facts(figures["costing"]), flush=True)


def _reads(stage: Stage, requests: int) -> list[dict]:
    found = []
    print("\nReads, milliseconds\n", flush=True)
    for timing in reads.measure(stage.base_url, requests):
        found.append(timing._asdict())
        print(f"  {timing.median:8.1f} {timing.p99:8.1f}  {timing.path}?{timing.query}", flush=True)
    slowest = sorted(found, key=lambda timing: -timing["median"])[:10]
    rows = [(t["path"], t["query"], t["median"], t["p99"]) for t in slowest]
    print("\nThe slowest\n" + table(rows, ("path", "query", "median", "p99")))
    return found


def _under_load(stage: Stage, options) -> list[dict]:
    found = []
    for rate in options.rates:
        found.append(load.measure(stage, rate, options.clients, options.seconds))
        print(f"\n{rate:g} records/s\n{facts(found[-1])}", flush=True)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--labels", type=int, default=0, help="label sets to spread the records over; 0: as they come")
    parser.add_argument("--requests", type=int, default=15, help="of each question, one after another")
    parser.add_argument("--idle", type=float, default=30, help="seconds of watching the idle processes")
    parser.add_argument("--work", type=float, default=0, help="seconds of live traffic before the processes are idle")
    parser.add_argument("--database", default="sqlite", help="sqlite; postgres: a server of its own; or postgres://…")
    parser.add_argument("--compare", help="the JSON of an earlier run, whose reads are printed next to these")
    parser.add_argument("--data", help="a data folder to make or to use again; a temporary one otherwise")
    parser.add_argument("--json", default="bench.json", help="where the figures are written")
    parser.add_argument("--load", action="store_true", help="measure under live traffic instead")
    parser.add_argument("--rates", type=float, nargs="+", default=[1000, 2000], help="records a second")
    parser.add_argument("--clients", type=int, default=20, help="clients that poll every 5 s")
    parser.add_argument("--seconds", type=float, default=300, help="of live traffic at each rate")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
