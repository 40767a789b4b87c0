"""What the task cluster does for uploaded files: a look, and imports in slices with room for other tasks."""

import logging
from pathlib import Path

from django_q.tasks import async_task

from usage.imports.formats import Refused, open_source
from usage.imports.looking import digest_of, look, preview
from usage.imports.running import Busy, run, undone
from usage.models import Import

log = logging.getLogger(__name__)

SLICE_SECONDS = 20


def look_at(id: int) -> str:
    """Note what an uploaded file holds, and what an import would do. Returns a sentence."""
    job = Import.objects.get(pk=id)
    path = Path(job.path)
    try:
        found = look(open_source(path))
        would = preview(open_source(path))
    except (Refused, OSError) as refusal:
        path.unlink(missing_ok=True)
        job.change(state=Import.State.REFUSED, reason=str(refusal)[:500], path="")
        return str(refusal)
    job.change(found=found.as_json() | {"would": would._asdict()}, digest=digest_of(path))
    return f"{found.events} events found"


def go_on(id: int) -> str:
    """Import for some seconds, and queue the rest; the file goes when all is done. Returns a sentence."""
    job = Import.objects.get(pk=id)
    if job.state != Import.State.RUNNING or not job.path:
        return "nothing to do"
    try:
        more = run(job, Path(job.path), seconds=SLICE_SECONDS)
    except Busy:
        more = True
    except Refused as refusal:
        log.error("Import %d is refused: %s", id, refusal)
        return "refused"
    if more:
        async_task("usage.imports.tasks.go_on", id, save=False)
        return "goes on"
    return f"{job.events} new events"


def take_back(id: int) -> str:
    """Undo an import. Returns a sentence."""
    job = Import.objects.get(pk=id)
    try:
        undone(job)
    except Busy:
        async_task("usage.imports.tasks.take_back", id, save=False)
        return "goes on"
    return "undone"
