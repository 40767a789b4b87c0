"""The drain in a hurry: it asks CPA ten times as often, waits less, and its clock jumps an hour ahead on SIGUSR1."""

import signal
import time

import django
from django.core.management import call_command

FASTER = 10


def _hasten():
    from usage.collector.watch import asker, rivals

    asker.ASK_SECONDS /= FASTER
    asker.PUBLISHED_US //= FASTER
    for name in ("FIRST_TRY_US", "UNSURE_US"):
        setattr(rivals, name, getattr(rivals, name) // FASTER)


def _jump(*_):
    told, nanoseconds = time.time, time.time_ns
    time.time = lambda: told() + 3600
    time.time_ns = lambda: nanoseconds() + 3600 * 10**9


if __name__ == "__main__":
    django.setup()
    _hasten()
    signal.signal(signal.SIGUSR1, _jump)
    call_command("drain")
