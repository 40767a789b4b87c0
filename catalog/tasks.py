"""What the task cluster does for the catalogue."""

import logging

from cpa_usage.queueing import queue_once

log = logging.getLogger(__name__)

SYNC = "catalog.tasks.sync"


def sync() -> str:
    """Refresh everything CPA says about itself and log what is new. A CPA that is away does not fail the task."""
    from catalog import sync as syncing  # the drain, which only queues this, should not load it

    result = syncing.sync()
    if result.error and result.error != result.error_before:
        log.warning("CPA's lists could not all be read: %s", result.error)
    elif result.error_before and not result.error and not result.busy:
        log.info("CPA's lists are read again.")
    if result.changed:
        log.info("CPA's lists changed: %d accounts and keys written.", result.changed)
    return "busy" if result.busy else result.error or f"{result.changed} changed"


def queue_sync():
    """Ask the task cluster for a sync now. Raises django.db.Error."""
    queue_once(SYNC)
