"""Keys and the system: pages that also change something, in the same way as the API."""

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

from aliases.models import ApiKey
from aliases.serializers import AliasBody
from aliases.shapes import aliases
from catalog.api import set_switch
from catalog.sync import sync_now
from cpa_usage.api import OURS
from cpa_usage.auth.adminlogin import is_let_in
from cpa_usage.auth.tokenform import TokenForm
from cpa_usage.http import rest
from cpa_usage.http.errors import error_of
from cpa_usage.models import ApiToken
from pricing.models import PublishedCatalogue
from pricing.tasks import catalogue_version
from usage.analytics.breakdowns import used_by
from usage.dashboard.cookies import next_page
from usage.dashboard.pages import page, signed_in
from usage.dashboard.views.session import open_sessions
from usage.models import Gap
from usage.models.labels import NO_KEY
from usage.ops.incidents import lately
from usage.ops.status import status
from usage.ops.storage import database_bytes
from usage.query.forms import PAGE_SIZE, ListForm, checked


def changes(name):
    """Decorator of a view that changes something and returns a sentence, for the page of that name.

    Back on the page, or on that in `next`, the sentence is shown, or why the change was refused, with the field of the
    API's error. A form that only asks for a preview gets the sentence alone.
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
            if "preview" in request.POST:
                return HttpResponse(escape(sentence))
            messages.add_message(request, level, sentence)
            if "next" in request.POST:
                return HttpResponseRedirect(next_page(request))
            query = request.GET.urlencode()
            return redirect(f"{reverse(name)}?{query}" if query else name)

        return wrapper

    return decorate


@page("usage/keys.html")
def keys(request, filters):
    """Client keys: their names, and their usage in the period."""
    wanted = checked(ListForm(request.GET))
    found = aliases(wanted.part(PAGE_SIZE))
    used = used_by(filters, "api_key", ["", *(key.key_id for key in found.items)])
    rows = [(key, used.get(key.key_id)) for key in found.items]
    return {
        "rows": rows,
        "unkeyed": used.get(NO_KEY),
        "list": wanted.page_of(PAGE_SIZE, found.totals.get("items", len(rows))),
    }


@changes("keys")
def alias(request):
    """Name one key; a blank name clears it."""
    posted = {"api_key": request.POST.get("key_id", ""), "alias": request.POST.get("alias", "")}
    body = rest.valid(AliasBody, posted)
    ApiKey.objects.rename(body["api_key"], body["alias"])
    return _("The name is kept.")


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
    return render_to_string("usage/parts/new_token.html", {"token": form.issue()})


@changes("system")
def sync(request):
    """Read CPA's lists now."""
    if error := sync_now():
        raise APIException(error)
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
