"""What the task cluster does for the usage data."""

import logging
import time

from django.conf import settings

from usage.retention import expire, prune_logs

log = logging.getLogger(__name__)


def retention() -> str:
    """Remove what is older than it should get. Returns what it did."""
    logs = prune_logs(settings.LOG_DIR, settings.LOG_RETENTION_DAYS, time.time()) if settings.LOG_FILE_ENABLED else 0
    removed = expire()
    if removed is None:
        return "busy"
    sentence = (
        f"{removed.events} events, {removed.quarters} quarter hours, {removed.letters} dead letters, "
        f"{removed.gaps} gaps and {logs} log files removed, {removed.bytes >> 20} MB given back"
    )
    log.info("Retention: %s.", sentence)
    return sentence
