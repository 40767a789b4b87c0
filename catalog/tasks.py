"""What the task cluster does for the catalogue."""

import logging

from django.conf import settings
from django.utils import timezone

from catalog.models import Connection
from cpa_usage.queueing import queue_once

log = logging.getLogger(__name__)

SYNC, REFRESH = "catalog.tasks.sync", "catalog.tasks.refresh"
YOUNG = 0.75  # of METADATA_SYNC_INTERVAL: the schedule and the drain both ask, each by its own clock


def sync() -> str:
    """Refresh what CPA says about itself, unless that was done lately."""
    young = timezone.now() - YOUNG * settings.METADATA_SYNC_INTERVAL
    return "young" if Connection.objects.filter(pk=1, last_sync_at__gt=young).exists() else refresh()


def refresh() -> str:
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


def queue_sync(changed: bool = True):
    """Ask the task cluster for a sync: now, for something `changed` at CPA, or if it is due. Raises django.db.Error."""
    queue_once(REFRESH if changed else SYNC)
