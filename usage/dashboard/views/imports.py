"""The page of imports: upload a file, see what it holds, import it, undo what was imported."""

from pathlib import Path

from django import forms
from django.conf import settings
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from rest_framework.exceptions import NotFound

from usage.dashboard.pages import page, signed_in
from usage.dashboard.views.manage import changes
from usage.models import Import
from usage.time.clock import now_us

SHOWN = 100
State = Import.State


class PieceForm(forms.Form):
    """A piece of a file; without a script all of it."""

    file = forms.FileField()
    job = forms.IntegerField(required=False)  # the import that the first piece began
    offset = forms.IntegerField(required=False, min_value=0)
    size = forms.IntegerField(required=False, min_value=1, max_value=settings.IMPORT_MAX_BYTES)  # of the whole file


@page("usage/imports.html", cached=False)
def imports(request, filters):
    """Every import, the newest first."""
    jobs = list(Import.objects.all()[:SHOWN])
    at_work = any(job.state in (State.RUNNING, State.UNDOING) or (job.path and not job.found) for job in jobs)
    return {"jobs": jobs, "live": 2 if at_work else 10, "most": settings.IMPORT_MAX_BYTES}


@require_POST
@signed_in
def upload(request):
    """Take a piece of a file; the reply is the number of its import. After the last piece the file is looked at."""
    form = PieceForm(request.POST, request.FILES)
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        return HttpResponseBadRequest(f"{field}: {errors[0]}", content_type="text/plain")
    given = form.cleaned_data
    piece, offset = given["file"], given["offset"] or 0
    size = given["size"] or piece.size
    job = Import.objects.filter(pk=given["job"], state=State.WAITING, found={}).exclude(path="").first()
    fits = offset + piece.size <= min(size, settings.IMPORT_MAX_BYTES)
    if job is None and fits and not offset:
        job = _begun(piece.name)
    if job is None or not fits or Path(job.path).stat().st_size != offset:
        return HttpResponseBadRequest(_("offset: This is not the next piece of the file."), content_type="text/plain")
    try:
        with Path(job.path).open("ab") as file:
            for chunk in piece.chunks():
                file.write(chunk)
    except OSError as error:
        _discard(job)
        return HttpResponseBadRequest(f"file: {error.strerror}.", content_type="text/plain")
    if offset + piece.size == size:
        _queue("look_at", job)
    return HttpResponse(job.id) if given["size"] else redirect("imports")


def _begun(name):
    """A new import, with an empty file to put the pieces in, which only this user can read."""
    folder = settings.SQLITE_PATH.parent / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    job = Import.objects.create(name=name[:255], arrived=now_us())
    path = folder / f"{job.id}.upload"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    job.change(path=str(path))
    return job


def _discard(job):
    Path(job.path).unlink(missing_ok=True)
    job.delete()


def _queue(task, job):
    from django_q.tasks import async_task

    async_task(f"usage.imports.tasks.{task}", job.id, save=False)


@changes("imports")
def change(request, job_id, verb):
    """Begin an import that was looked at, discard its file, or undo it."""
    before = {"run": [State.WAITING], "discard": [State.WAITING], "undo": [State.RUNNING, State.DONE, State.UNDOING]}
    job = Import.objects.filter(pk=job_id, state__in=before.get(verb, [])).first()
    if job is None or (verb == "run" and not job.found):
        raise NotFound(_("There is no such import any more."))
    if verb == "discard":
        _discard(job)
        return _("The file is removed.")
    if verb == "undo":
        job.change(state=State.UNDOING)
        _queue("take_back", job)
        return _("The import is being undone.")
    takes = [name for name in ("prices", "aliases") if name in request.POST]
    job.change(state=State.RUNNING, takes=takes)
    _queue("go_on", job)
    return _("The import has begun.")
