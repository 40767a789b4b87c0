"""Tasks for the task cluster that end in every way there is, and a cluster that has little patience."""

import os
import signal
import sys
import time

from django.core.management import execute_from_command_line

ENDED_BY_ITSELF = 7


def whose() -> int:
    """The process that runs it."""
    return os.getpid()


def fall():
    """Its process ends in the middle, as when the kernel needs its memory."""
    os._exit(ENDED_BY_ITSELF)


def sleep(seconds):
    time.sleep(seconds)


def deaf():
    """It does not hear that its time is over."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(600)


if __name__ == "__main__":
    from cpa_usage.management.commands import qcluster

    qcluster.GRACE_SECONDS = 1
    execute_from_command_line(sys.argv)
