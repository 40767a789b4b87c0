"""What the task cluster does for the usage data."""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.core.management.base import CommandError
from django_q.tasks import async_task

from usage.models import Import, Lease
from usage.models.labels import LABELS
from usage.rollups.merging import Merge
from usage.rollups.proof import Verification, keep
from usage.rollups.retention import expire, prune_logs

log = logging.getLogger(__name__)

PROOF_TAKES = timedelta(minutes=30)  # the task cluster ends a task that takes longer
PROOF_SECONDS = 5  # of a task; then other tasks run, and a cluster can stop


def retention() -> str:
    """Remove what is older than the configured retention, and uploads left midway. Returns a sentence about it."""
    Import.objects.left_midway().discard()
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


def merge_labels(label: str, values: list[str], into: str) -> str:
    """Merge stored values of a label, by its name, into one. Returns a sentence; a merge that is refused fails."""
    days = list(Merge(LABELS[label], values, into).run())
    log.info("%d values of the label %s were merged, over %d days.", len(values), label, len(days))
    return f"{len(values)} merged"


def verify(state: dict | None = None) -> str:
    """Check for a few seconds that the database is sound and the totals equal their events, and queue the rest.

    `state` is that in which the previous task stopped. Returns the result in a sentence, or "goes on".
    """
    lease = Lease.take("verify", PROOF_TAKES)
    if lease is None:
        return "busy"
    try:
        verification = Verification(**state or {})
        if verification.go_on(PROOF_SECONDS):
            # Plain values, which another version of this code can read.
            async_task("usage.tasks.verify", vars(verification), save=False)
            return "goes on"
        proof = verification.proof()
        keep(proof)
    finally:
        lease.release()
    log.log(logging.INFO if proof.holds else logging.ERROR, "Proof: %s", proof.sentence)
    return proof.sentence


def backup() -> str:
    """Back up the SQLite file into BACKUP_DIR. Returns a sentence about it; a failed backup fails the task."""
    from usage.ops.backups import nightly

    try:
        done = nightly()
    except CommandError as reason:
        log.error("There is no backup of this night: %s", reason)
        raise
    log.info("Backup: %s.", done)
    return done
