"""Signing in and out, and what a browser remembers about how pages look."""

from django.conf import settings
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from rest_framework.exceptions import APIException

from cpa_usage.auth.sessions import session_of, set_cookie, sign_out
from cpa_usage.auth.signin import session_for
from usage.dashboard.browser import THEMES, go_on, remember, theme_of


def login(request):
    """The password, and then the page that was filters for."""
    if not settings.AUTH_ENABLED or session_of(request):
        return redirect(go_on(request))
    return _try(request) if request.method == "POST" else _form(request)


@require_POST
def logout(request):
    """The session ends on the server, and the cookie goes."""
    response = redirect("login" if settings.AUTH_ENABLED else "overview")
    sign_out(request, response)
    return response


@require_POST
def theme(request):
    """light, dark, or as the system; kept in a cookie."""
    response, chosen = HttpResponseRedirect(go_on(request)), request.POST.get("theme")
    return remember(response, request, "theme", chosen) if chosen in THEMES else response


def _try(request):
    try:
        token = session_for(request, request.POST.get("password", ""))
    except APIException as refusal:
        return _form(request, refusal)
    response = HttpResponseRedirect(go_on(request))
    set_cookie(response, token, secure=request.is_secure())
    return response


def _form(request, refusal=None):
    sentences = {401: _("The password is wrong."), 429: _("Too many tries: wait a minute.")}
    status = refusal.status_code if refusal else 200
    context = {"next": go_on(request), "sentence": sentences.get(status, ""), "theme": theme_of(request)}
    return render(request, "usage/login.html", context, status=status)
