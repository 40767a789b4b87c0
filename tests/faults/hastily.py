"""`python -m tests.faults.hastily drain`: a command with little patience; the drain's clock jumps on SIGUSR1.

As a module of gunicorn's configuration it makes the web server so.
"""

import signal
import sys
import time
from datetime import timedelta

from cpa_usage import gunicorn as usual
from cpa_usage.gunicorn import *  # noqa: F403

FASTER = 20


def post_worker_init(worker):
    """Django is set up only now."""
    usual.post_worker_init(worker)
    _notices()


def _notices():
    from usage.ops import notices

    notices.AWAY_AFTER, notices.STALLED_AFTER = timedelta(seconds=6), timedelta(seconds=15)


def _drain():
    from usage.collector import report
    from usage.collector.watch import asker, rivals

    report.HEARTBEAT_SECONDS /= FASTER
    asker.ASK_SECONDS /= FASTER
    asker.PUBLISHED_US //= FASTER
    for name in ("FIRST_TRY_US", "UNSURE_US"):
        setattr(rivals, name, getattr(rivals, name) // FASTER)


def _jump(*_):
    told, nanoseconds = time.time, time.time_ns
    time.time = lambda: told() + 3600
    time.time_ns = lambda: nanoseconds() + 3600 * 10**9


def _main(command):
    import django
    from django.core.management import call_command

    django.setup()
    if command == "drain":
        _drain()
        signal.signal(signal.SIGUSR1, _jump)
    else:
        _notices()
    call_command(command)


if __name__ == "__main__":
    _main(sys.argv[1])
