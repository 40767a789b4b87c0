"""The system, a page that also changes something in the same way as the API, and how all such pages do."""

from functools import wraps

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError

from catalog.api import set_switch
from catalog.reported import reported
from catalog.sync import sync_now
from cpa_usage.api import OURS
from cpa_usage.auth.adminlogin import is_let_in
from cpa_usage.auth.tokenform import TokenForm
from cpa_usage.http.errors import error_of
from cpa_usage.models import ApiToken
from pricing.models import PublishedCatalogue
from pricing.models.scopes import value_in
from pricing.tasks import catalogue_version
from usage.dashboard import undoing
from usage.dashboard.cookies import next_page
from usage.dashboard.pages import page, signed_in
from usage.dashboard.views.session import open_sessions
from usage.models import Gap
from usage.ops.incidents import lately
from usage.ops.status import status
from usage.ops.storage import database_bytes


def changes(name, form=None):
    """Decorator of a view that changes something and returns a sentence, for the page of that name.

    Back on the page, or on that in `next`, the sentence is shown, or why the change was refused, with the field of the
    API's error. A script that only asks for a preview gets the sentence alone. After a preview without one, and after
    a refusal, the page that is named `form`, if any, shows the form again as it was filled in.
    """

    def decorate(view):
        @require_POST
        @signed_in
        @wraps(view)
        def wrapper(request, **kwargs):
            level = messages.SUCCESS
            try:
                sentence = view(request, **kwargs)
            except APIException as refusal:
                error, level = error_of(refusal), messages.ERROR
                sentence = f"{error.field}: {error.error}" if error.field else error.error
            is_preview = "preview" in request.POST
            if is_preview and "HX-Request" in request.headers and "HX-Boosted" not in request.headers:
                return HttpResponse(escape(sentence))
            messages.add_message(request, messages.INFO if is_preview and level != messages.ERROR else level, sentence)
            if "next" in request.POST:
                return HttpResponseRedirect(next_page(request))
            if form and (is_preview or level == messages.ERROR):
                return redirect(reverse(form, query=_typed(request)))
            return redirect(reverse(name, query=request.GET))

        return wrapper

    return decorate


def _typed(request):
    """The query of a page with the fields of a form: without keys as they are, and its model is no filter there."""
    query = request.GET.copy()
    for name, values in request.POST.lists():
        if name not in {"csrfmiddlewaretoken", "preview"}:
            query.setlist({"model": "edit"}.get(name, name), values)
    if scope := query.get("whose"):
        scope, _colon, value = scope.partition(":")
        query["whose"] = f"{scope}:{value_in(scope, value)}"
    return query


@changes("overview")
def undo(request):
    """Take back the change that a message was about."""
    return undoing.undo(request.POST.get("undo", ""))


@page("usage/system.html", cached=False)
def system(request, filters):
    """How the drain, the sync and the database are doing."""
    return {
        "live": 5,
        "lately": lately(),
        "status": status(request.watch),
        "gaps_stand": Gap.objects.standing().exists(),
        "connection": request.watch.connection,
        "database_bytes": database_bytes(),
        "catalogue": catalogue_version(),
        "published": PublishedCatalogue.load(),
        "ours": OURS,
        "tokens": ApiToken.objects.all()[:100] if is_let_in(request) else None,
        "scopes": ApiToken.Scope.choices,
        **open_sessions(request),
    }


@changes("system")
def token(request, token_id=None):
    """Revoke a token for programs, or make one, which the page shows this once."""
    if not is_let_in(request):
        raise PermissionDenied(_("Without a login, tokens are made in a browser on this machine alone."))
    if token_id is not None:
        for found in ApiToken.objects.filter(pk=token_id):
            found.revoke()
        return _("Token revoked.")
    form = TokenForm(request.POST)
    if not form.is_valid():
        raise ValidationError(form.errors)
    return render_to_string("usage/system/new_token.html", {"token": form.issue()})


@changes("system")
def sync(request):
    """Read CPA's lists now."""
    if error := sync_now():
        raise APIException(reported(error))
    return _("Accounts and keys are synced with CPA.")


@changes("system")
def gaps(request, verb, gap_id=None):
    """Put one gap aside, or all of them; or take that back."""
    chosen = Gap.objects.all() if gap_id is None else Gap.objects.filter(pk=gap_id)
    if verb == "restore":
        chosen.restore()
        return _("The gap raises a notice again.")
    chosen.dismiss()
    return _("Dismissed gaps stay in the list and raise no notice.")


@changes("system")
def switch(request, name):
    """Turn CPA's usage records or request logs on or off."""
    on = request.POST.get("value", "on") == "on"
    set_switch(name, on)
    return _("Switched on at CPA.") if on else _("Switched off at CPA.")


def as_number(text: str) -> float | str:
    """A number that was typed; another text stays, for its field to refuse."""
    try:
        return float(text)
    except ValueError:
        return text
