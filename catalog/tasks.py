"""What the task cluster does for the catalogue."""

import logging

from django.utils import timezone

log = logging.getLogger(__name__)

SYNC = "catalog.tasks.sync"


def sync() -> str:
    """Refresh everything CPA says about itself; a CPA that is away is no failure of the task. Returns what it did."""
    from catalog import sync as syncing  # with httpx, which the drain, that only queues this, should not carry

    result = syncing.sync()
    if result.error and result.error != result.error_before:
        log.warning("CPA's lists could not all be read: %s", result.error)
    elif result.error_before and not result.error and not result.busy:
        log.info("CPA's lists are read again.")
    if result.changed:
        log.info("CPA's lists changed: %d accounts and keys written.", result.changed)
    return "busy" if result.busy else result.error or f"{result.changed} changed"


def queue_sync():
    """Ask the task cluster for a sync now. One that waits already will do, so that they cannot pile up."""
    from django_q.models import OrmQ
    from django_q.tasks import async_task

    waiting = OrmQ.objects.filter(lock__lte=timezone.now())
    if not any(queued.func() == SYNC for queued in waiting):
        async_task(SYNC, save=False)
