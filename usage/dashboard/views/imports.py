"""The page of imports: upload a file, see what it holds, import it, undo what was imported."""

from pathlib import Path

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Max
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_POST
from rest_framework.exceptions import NotFound

from usage.dashboard.pages import page, signed_in
from usage.dashboard.views.manage import changes
from usage.models import Import
from usage.query.forms import checked
from usage.time.clock import now_us

SHOWN = 30  # on a page
State = Import.State
AT_WORK = [State.UPLOADING, State.LOOKING, State.RUNNING, State.UNDOING]

# What can be asked of an import: in which states, which one follows, the task for it, and a sentence. Without a task
# it is deleted.
VERBS = {
    "look": ([State.WAITING], State.LOOKING, "look_at", lazy("The file is being checked.")),
    "run": ([State.WAITING], State.RUNNING, "go_on", lazy("The import has begun.")),
    "undo": ([State.RUNNING, State.DONE], State.UNDOING, "take_back", lazy("The import is being undone.")),
    "discard": ([State.UPLOADING, State.LOOKING, State.WAITING], None, None, lazy("The file is removed.")),
    "remove": ([State.REFUSED, State.UNDONE], None, None, lazy("Removed from the list.")),
}


class PieceForm(forms.Form):
    """A piece of a file; without a script all of it."""

    file = forms.FileField()
    job = forms.IntegerField(required=False)  # the import that the first piece began
    offset = forms.IntegerField(required=False, min_value=0)
    size = forms.IntegerField(required=False, min_value=1, max_value=settings.IMPORT_MAX_BYTES)  # of the whole file


@page("usage/imports.html", cached=False)
def imports(request, filters):
    """Every import, the newest first."""
    ended = Import.objects.aggregate(last=Max("ended_at"))["last"]
    return {
        "list": Paginator(Import.objects.all(), SHOWN).get_page(request.GET.get("page")),
        "live": 2 if Import.objects.filter(state__in=AT_WORK).exists() else 10,
        "ended": ended.isoformat() if ended else "",
        "most": settings.IMPORT_MAX_BYTES,
    }


@require_POST
@signed_in
def upload(request):
    """Take a piece of a file; the reply is the number of its import. After the last piece the file is looked at.

    Without a script the reply leads to the page, which says why a file is refused.
    """
    try:
        job_id = _take(checked(PieceForm(request.POST, request.FILES)).cleaned_data)
    except ValidationError as refusal:
        field, sentences = next(iter(refusal.message_dict.items()))
        sentence = f"{field}: {sentences[0]}"
        if "size" in request.POST:
            return HttpResponseBadRequest(sentence, content_type="text/plain; charset=utf-8")
        messages.error(request, sentence)
        return redirect("imports")
    return HttpResponse(job_id) if "size" in request.POST else redirect("imports")


def _take(given) -> int:
    """Store a piece. Returns the id of its import; raises ValidationError for what does not fit."""
    piece, offset = given["file"], given["offset"] or 0
    size, position = given["size"] or piece.size, offset + piece.size
    job = None
    if position <= min(size, settings.IMPORT_MAX_BYTES):
        uploads = Import.objects.filter(pk=given["job"], state=State.UPLOADING, position=offset, end=size)
        job = uploads.first() if given["job"] or offset else _begun(piece.name, size)
    if job is None:
        raise ValidationError({"offset": _("This is not the next piece of the file.")})
    jobs = Import.objects.filter(pk=job.id)
    try:
        with Path(job.path).open("r+b") as file:  # none where it was discarded meanwhile
            file.seek(offset)
            for chunk in piece.chunks():
                file.write(chunk)
    except OSError as error:
        jobs.discard()
        raise ValidationError({"file": f"{error.strerror}."}) from None
    if position < size:
        jobs.update(position=position)
    elif jobs.filter(state=State.UPLOADING).update(state=State.LOOKING, position=0):
        _queue("look_at", job.id)
    return job.id


def _begun(name, size):
    """A new import, with an empty file to put the pieces in, which only this user can read."""
    folder = settings.SQLITE_PATH.parent / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    job = Import.objects.create(name=name[:255], arrived=now_us(), state=State.UPLOADING, end=size)
    path = folder / f"{job.id}.upload"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    job.change(path=str(path))
    return job


def _queue(task, job_id):
    from django_q.tasks import async_task

    async_task(f"usage.imports.tasks.{task}", job_id, save=False)


@changes("imports")
def change(request, job_id, verb):
    """Look at a file again, begin its import, discard it, undo the import, or remove it from the list."""
    before, state, task, sentence = VERBS.get(verb, ([], None, None, ""))
    jobs = Import.objects.filter(pk=job_id, state__in=before)
    takes = [name for name in ("prices", "aliases") if name in request.POST]
    if not (jobs.update(state=state, takes=takes) if task else jobs.discard()):
        raise NotFound(_("There is no such import any more."))
    if task:
        _queue(task, job_id)
    return str(sentence)
