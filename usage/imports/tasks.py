"""What the task cluster does for uploaded files: a look, and imports in slices with room for other tasks."""

import logging
from pathlib import Path

from django.db import Error
from django.utils import timezone
from django.utils.translation import gettext_noop
from django_q.tasks import async_task

from cpa_usage.queueing import queue_once
from usage.imports.formats import Refused, open_source
from usage.imports.looking import digest_of, look, preview
from usage.imports.running import SPAN, Busy, run_all, undone
from usage.models import Import, Lease

log = logging.getLogger(__name__)

SLICE_SECONDS = 20
DISCARDED = "discarded meanwhile"


def look_at(id: int) -> str:
    """Note what an uploaded file holds, and what an import would do. Returns a sentence."""
    jobs = Import.objects.filter(pk=id, state=Import.State.LOOKING)
    job = jobs.first()
    if job is None:
        return DISCARDED
    path = Path(job.path)
    try:
        source, looked = open_source(path), timezone.now().isoformat()
        end = source.position_of_end
        found = look(source, _teller(jobs, 0, 2 * end)).as_json()
        would = preview(source, _teller(jobs, end, 2 * end))._asdict()
        found |= {"would": would, "looked": looked}
        fields = {"state": Import.State.WAITING, "found": found, "digest": digest_of(path)}
    except Error:
        raise  # the file may be well, and is looked at again
    except Exception as error:
        if not isinstance(error, Refused | OSError):
            log.exception("Import %d cannot be looked at.", id)
            error = Refused(gettext_noop("It cannot be looked at: the log of the tasks says why."))
        why = Refused.by(error)
        path.unlink(missing_ok=True)
        fields = {"state": Import.State.REFUSED, "path": "", "reason": why.sentence, "found": {"values": why.values}}
    return fields["state"] if jobs.update(position=0, **fields) else DISCARDED


def _teller(jobs, before, end):
    """A function that notes a position of both readings; it raises Refused where the import is gone."""

    def tell(position):
        if not jobs.update(position=before + position, end=end):
            raise Refused(DISCARDED)

    return tell


def go_on(id: int) -> str:
    """Import for some seconds, and queue the rest; the file goes when all is done. Returns a sentence."""
    job = Import.objects.filter(pk=id, state=Import.State.RUNNING).exclude(path="").first()
    if job is None:
        return "nothing to do"
    try:
        more = run_all([(job, Path(job.path))], lambda job: None, SLICE_SECONDS)
    except Busy:
        more = True
    if job.state == Import.State.REFUSED:
        log.error("Import %d is refused: %s", id, job.why)
        return "refused"
    if more:
        async_task("usage.imports.tasks.go_on", id, save=False)
        return "goes on"
    return f"{job.events} new events"


def resume() -> str:
    """Queue the next step of what a killed task or a database that was away left behind. Returns a sentence.

    A run at work holds its lease, and a step that waits is in the queue; a look that was begun is there until it ends.
    Of an import that has ended only its file can be left, which goes.
    """
    if (lease := Lease.take("retention", SPAN)) is None:
        return "busy"
    lease.release()
    steps = {Import.State.RUNNING: "go_on", Import.State.UNDOING: "take_back", Import.State.LOOKING: "look_at"}
    left = Import.objects.filter(state__in=steps).exclude(state=Import.State.RUNNING, path="")
    for id, state in left.values_list("id", "state"):
        queue_once(f"usage.imports.tasks.{steps[state]}", id, begun=state == Import.State.LOOKING)
    for job in Import.objects.with_leftovers():
        job.drop_file()
    return f"{len(left)} not ended"


def take_back(id: int) -> str:
    """Undo an import. Returns a sentence."""
    job = Import.objects.filter(pk=id, state=Import.State.UNDOING).first()
    if job is None:
        return "nothing to do"
    try:
        undone(job)
    except Busy:
        async_task("usage.imports.tasks.take_back", id, save=False)
        return "goes on"
    return "undone"
