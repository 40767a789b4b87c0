"""What the task cluster does for the usage data."""

import logging
import time
from datetime import timedelta

from django.conf import settings

from usage.models import Lease
from usage.rollups.proof import Proving, keep
from usage.rollups.retention import expire, prune_logs

log = logging.getLogger(__name__)

PROOF_TAKES = timedelta(minutes=30)  # a task of it, at most: the task cluster ends a longer one
PROOF_SECONDS = 5  # of a task; then come others their turn, and a cluster that is told to stop can


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


def verify(proving: dict | None = None) -> str:
    """Prove that the database is sound and the totals equal their events, a task a few seconds of it.

    Returns the result in a line, or that the next task goes on; `proving` is where the one before stopped.
    """
    lease = Lease.take("verify", PROOF_TAKES)
    if lease is None:
        return "busy"
    try:
        under_way = Proving(**proving or {})
        if under_way.go_on(PROOF_SECONDS):
            return _go_on(under_way)
        proof = under_way.proof()
        keep(proof)
    finally:
        lease.release()
    log.log(logging.INFO if proof.holds else logging.ERROR, "Proof: %s", proof.sentence)
    return proof.sentence


def _go_on(proving: Proving) -> str:
    """Queue the rest, as plain values: the next version of us may find it there."""
    from django_q.tasks import async_task

    async_task("usage.tasks.verify", vars(proving), save=False)
    return "goes on"


def backup() -> str:
    """Back up the SQLite file into BACKUP_DIR. Returns what it did; a backup that failed fails the task."""
    from usage.ops.backups import Useless, nightly

    try:
        done = nightly()
    except Useless as reason:
        log.error("There is no backup of this night: %s", reason)
        raise
    log.info("Backup: %s.", done)
    return done
