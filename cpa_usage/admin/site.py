"""The admin's doors: one sign-in for dashboard and admin, and one way out of both."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import login as begin_session
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from cpa_usage.auth.backends import OWNER, owner
from cpa_usage.auth.sessions import COOKIE, SessionToken, session_of, set_cookie, sign_out

BACKEND = "cpa_usage.auth.backends.OwnerBackend"


def login(request):
    """Who is signed in to the dashboard comes in at once; who signs in here as the owner is signed in there too."""
    if request.method == "GET" and COOKIE in request.COOKIES and session_of(request) and not _is_staff(request):
        begin_session(request, owner(), backend=BACKEND)
        return redirect(_next(request))
    response = admin.site.login(request)
    if request.method == "POST" and request.user.get_username() == OWNER and not session_of(request):
        set_cookie(response, SessionToken.open(request), secure=request.is_secure())
    return response


def logout(request):
    """The session ends here and in the dashboard."""
    response = admin.site.logout(request)
    if request.method == "POST":
        sign_out(request, response)
    return response


def _is_staff(request):
    return request.user.is_active and request.user.is_staff


def _next(request):
    wanted = request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else resolve_url(settings.LOGIN_REDIRECT_URL)
