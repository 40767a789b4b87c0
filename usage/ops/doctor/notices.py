"""Findings that are notices of the pages: the doctor says the same as they do."""

from django.utils.translation import override

from usage.ops.doctor.findings import verdict
from usage.ops.notices import Watch

DRAIN = ("drain-silent", "cpa-away", "key", "spool", "database")
# The name of a finding, the notices that make it wrong, and what it says without them.
FINDINGS = (
    ("Consumers", ("rival", "counted"), "The drain has noticed no other program that takes CPA's records."),
    ("Gaps", ("gaps",), "No time in which records may have been lost is left to look at."),
    ("Lists", ("sync", "key"), "CPA's accounts and keys could be read."),
    ("Dead letters", ("dead-letters",), "Every record could be stored."),
    ("Tasks", ("tasks",), "No periodic task is overdue."),
    ("Failures", ("failures",), "No task has failed in the last 24 hours."),
)


def noticed():
    """Whether the drain, the tasks and the records are well; nothing of lists that were never read."""
    with override("en"):
        found = Watch()
    proved = found.state.proof or "The totals have not been proved yet: it is done every night."
    running = f"It runs{found.state.host and f' on {found.state.host}'} and takes CPA's records."
    for name, ids, well in (("Drain", DRAIN, running), *FINDINGS, ("Proof", ("proof",), proved)):
        notice = found.first(*ids)
        if notice or name != "Lists" or found.connection.last_sync_at:
            yield verdict(name, _told(notice) if notice else "", well)


def _told(notice):
    """The notice in one line; the detail of a refused key says everything."""
    parts = (notice.detail,) if notice.id == "key" else (notice.sentence, notice.detail, notice.cure)
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)
