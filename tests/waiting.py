"""Waiting for what happens in other threads and processes."""

import time

PATIENCE = 60  # seconds; machines that run tests are busy
LOOK_SECONDS = 0.01


def until(condition, seconds=PATIENCE, wait=LOOK_SECONDS):
    """Wait until it holds; fails when it does not. Returns what it then was.

    It counts its looks, which take longer on a busy machine.
    """
    for _ in range(int(seconds / wait)):
        if found := condition():
            return found
        time.sleep(wait)
    raise AssertionError(f"not within {seconds} s")
