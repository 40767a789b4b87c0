"""Signing in and out, the open sessions, the theme and the language."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.exceptions import APIException

from cpa_usage.auth import sessionlist
from cpa_usage.auth.sessions import session_of, set_cookie, sign_out
from cpa_usage.auth.signin import session_for
from cpa_usage.http.lists import counted
from cpa_usage.http.proxies import why_no_cookies
from usage.dashboard.cookies import THEMES, next_page, remember, theme_of
from usage.dashboard.pages import signed_in
from usage.query.forms import ListForm, checked

SESSIONS = 50  # a page


@require_http_methods(["GET", "HEAD", "POST"])
def login(request):
    """The form for the password; the right one leads on to the page in `next`."""
    if not settings.AUTH_ENABLED or session_of(request):
        return redirect(next_page(request))
    return _sign_in(request) if request.method == "POST" else _form(request)


@require_POST
def logout(request):
    """End the session on the server and delete its cookie."""
    return sign_out(redirect("login" if settings.AUTH_ENABLED else "overview"), request)


def open_sessions(request) -> dict:
    """What the System page needs to list the sessions of a page of them; {} where no login is asked for."""
    if not settings.AUTH_ENABLED:
        return {}
    mine = session_of(request)
    form = checked(ListForm(request.GET))
    found, listed = form.page_of(SESSIONS, lambda query: counted(sessionlist.listed(query, mine)))
    return {"sessions": found.items, "list": listed}


@require_POST
@signed_in
def end(request, session_id):
    """End a session, this one or another; one that is over already is as well."""
    sessionlist.end(session_id)
    messages.success(request, _("Session ended."))
    return redirect(f"{reverse('system')}?{request.GET.urlencode()}")


@require_POST
def theme(request):
    """Remember a theme of THEMES; any other is ignored."""
    response, chosen = HttpResponseRedirect(next_page(request)), request.POST.get("theme")
    return remember(response, request, "theme", chosen) if chosen in THEMES else response


@require_POST
def language(request):
    """Remember one of LANGUAGES; any other is ignored."""
    response, chosen = HttpResponseRedirect(next_page(request)), request.POST.get("language")
    known = chosen in dict(settings.LANGUAGES)
    return remember(response, request, settings.LANGUAGE_COOKIE_NAME, chosen) if known else response


def _sign_in(request):
    try:
        token = session_for(request, request.POST.get("password", ""))
    except APIException as refusal:
        return _form(request, refusal.status_code)
    return set_cookie(HttpResponseRedirect(next_page(request)), request, token)


def _form(request, status=200):
    sentences = {401: _("The password is wrong."), 429: _("Too many tries: wait a minute.")}
    context = {"next": next_page(request), "sentence": sentences.get(status, ""), "theme": theme_of(request)}
    context |= {"lost": why_no_cookies(request), "public_url": settings.APP_PUBLIC_URL}
    return render(request, "usage/login.html", context, status=status)
