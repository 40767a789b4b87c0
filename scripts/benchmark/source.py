"""The CPA of a benchmark, as a process of its own: hands out records of a file, or makes them at a rate.

`python -m scripts.benchmark.source PORT --file FILE` or `--rate N --seconds S`; prints a line when it serves, another
when it ends, with what it gave, as JSON.
"""

import argparse
import json
import signal
import threading
import time

from simulator import Simulator, traffic

KEY = "benchmark-management-key"
ZONE = "Asia/Shanghai"


def main() -> None:
    """Serve until SIGTERM."""
    options = _options()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    cpa = Simulator(management_key=KEY, port=options.port, zone=ZONE)
    if options.file:
        cpa.feed(_lines(options.file))
    cpa.start()
    print(cpa.base_url, flush=True)
    made = _live(cpa, options, stopping) if options.rate else 0
    stopping.wait()
    told = {"made": made, "popped": cpa.popped, "published": cpa.published, "expired": cpa.expired, "left": cpa.queued}
    print(json.dumps(told), flush=True)
    cpa.stop()


def _lines(path):
    with open(path, "rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


def _live(cpa, options, stopping) -> int:
    """Push live records for so many seconds, a slice every 20 ms; how many they were."""
    records = traffic.live(options.rate, seed=99, zone=ZONE, sleep=lambda _: False)
    began, made = time.monotonic(), 0
    while (passed := time.monotonic() - began) < options.seconds and not stopping.wait(0.02):
        due = int(passed * options.rate) - made
        cpa.push_many(next(records) for _ in range(due))
        made += max(due, 0)
    return made


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--file")
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
