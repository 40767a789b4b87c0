"""`python -m simulator`: serve a CPA stand-in until Ctrl-C or SIGTERM, with history to drain and live traffic."""

import argparse
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulator import Simulator, traffic

POLL_SECONDS = 0.2
EVENTS_A_DAY = 2_000


def main(arguments: list[str] | None = None) -> int:
    """Run; the exit status is 0 after a stop and 1 when the port is taken."""
    options = _parser().parse_args(arguments)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    cpa = _simulator(options)
    cpa.request_log = options.request_log
    if options.history_days:  # before anybody can ask for it
        events = options.history_events or round(options.history_days * EVENTS_A_DAY)
        cpa.feed(traffic.history(options.history_days, events, options.seed, datetime.now(UTC), options.zone))
    try:
        cpa.start()
    except OSError as error:
        print(f"cannot listen on {options.host}:{options.port}: {os.strerror(error.errno)}", file=sys.stderr)
        return 1
    print(f"CPA stand-in on {cpa.base_url}", flush=True)
    _serve(cpa, options, stopping)
    cpa.stop()
    return 0


def _simulator(options: argparse.Namespace) -> Simulator:
    return Simulator(
        management_key=options.key,
        host=options.host,
        port=options.port,
        retention_seconds=options.retention,
        ban_seconds=options.ban,
        resp=not options.http_only,
        zone=options.zone,
    )


def _serve(cpa: Simulator, options: argparse.Namespace, stopping: threading.Event) -> None:
    """Live traffic when the history is drained or a client listens; then until stopped."""
    while cpa.has_history and not cpa.subscribers and not stopping.wait(POLL_SECONDS):
        pass
    if options.rate and not stopping.is_set():
        for record in traffic.live(options.rate, options.seed + 1, options.zone, stopping.wait):
            cpa.push(record)
            if stopping.is_set():
                return
    stopping.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A stand-in for CLIProxyAPI 7.2: usage queue over RESP and HTTP, management API, made-up traffic.",
        epilog="History is made while it is popped and knows no retention; live traffic begins when it is drained, "
        "or as soon as a client subscribes.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8317, help="port to listen on; 0 takes a free one")
    parser.add_argument("--key", default="lab-management-key", help="management key; empty switches management off")
    parser.add_argument("--rate", type=_amount, default=2.0, help="live records a second on average; 0 for none")
    parser.add_argument("--history-days", type=_amount, default=0.0, help="days the history reaches back; 0 for none")
    parser.add_argument("--history-events", type=_count, default=0, help="records of history; 0 for 2,000 a day")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same traffic")
    parser.add_argument(
        "--zone", type=_zone, default="UTC", help="CPA's time zone, which also sets the rhythm of the days"
    )
    parser.add_argument("--retention", type=_positive, default=60.0, help="seconds a record waits for a pop")
    parser.add_argument("--ban", type=_amount, default=1800.0, help="seconds five failed logins ban an address")
    parser.add_argument(
        "--request-log", action="store_true", help="keep a log of every request, not of failed ones only"
    )
    parser.add_argument("--http-only", action="store_true", help="refuse RESP, as behind an HTTP-only reverse proxy")
    return parser


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise argparse.ArgumentTypeError(f"unknown time zone {text!r}") from error
    return text


def _amount(text: str) -> float:
    return _checked(float(text), 0)


def _count(text: str) -> int:
    return int(_checked(int(text), 0))


def _positive(text: str) -> float:
    return _checked(float(text), 1e-6)


def _checked(number: float, least: float) -> float:
    if not least <= number < 1e12:  # also refuses NaN
        raise argparse.ArgumentTypeError(f"{number} is out of range")
    return number


if __name__ == "__main__":
    sys.exit(main())
