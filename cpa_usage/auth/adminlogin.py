"""Signing in to the admin: with LOGIN_PASSWORD, which opens the same session as at the dashboard, or as a superuser.

A session belongs to no user, but the admin's log names one: the row of `owner`, made at the first visit. It is inactive
and has no password; only an open session gives it rights, and only in memory. While AUTH_ENABLED is false, a browser on
this machine does. Superusers are made with manage.py createsuperuser and have sessions of Django's.
"""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.utils.functional import SimpleLazyObject
from rest_framework.exceptions import APIException, Throttled
from unfold.forms import AuthenticationForm

from cpa_usage.auth.sessions import COOKIE, session_of, set_cookie, sign_out
from cpa_usage.auth.signin import session_for
from cpa_usage.auth.throttle import count_try, forgive
from cpa_usage.http.proxies import why_no_cookies, why_not_loopback

OWNER = "owner"


class SessionUsers(AuthenticationMiddleware):
    """Also makes request.user the owner where the request has the cookie of an open session, or needs none."""

    def process_request(self, request):
        """Looked up when a view reads request.user: the dashboard and the API do not."""
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user_of(request))


class SignInForm(AuthenticationForm):
    """The owner needs no name; superusers give theirs."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].required = not settings.AUTH_ENABLED
        self.fields["username"].initial = OWNER if settings.AUTH_ENABLED else ""


class SuperuserBackend(ModelBackend):
    """Django's own users, with their tries counted among all others."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        """The user, or None; PermissionDenied beyond the limits."""
        if _is_owner(username):  # `login` has refused the password and counted the try
            return None
        address = request.META.get("REMOTE_ADDR", "")
        try:
            count_try(address)
        except Throttled as refusal:
            raise PermissionDenied(refusal.detail) from refusal
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is not None:
            forgive(address)
        return user


def login(request):
    """The form. LOGIN_PASSWORD, with the owner's name or none, opens a session as at the dashboard."""
    if request.method != "POST" or not _is_owner(request.POST.get("username", "").strip()):
        why = "" if settings.AUTH_ENABLED else why_not_loopback(request.received)
        return admin.site.login(request, {"why": why, "lost": why_no_cookies(request)})
    try:
        token = session_for(request, request.POST.get("password", ""))
    except APIException:
        return admin.site.login(request)  # shows the form again, with the mistake
    return set_cookie(HttpResponseRedirect(LoginView(request=request).get_success_url()), request, token)


def logout(request):
    """End the session, here and in the dashboard."""
    response = admin.site.logout(request)
    return sign_out(response, request) if request.method == "POST" else response


def _user_of(request):
    user = get_user(request)
    return _owner() if not user.is_authenticated and is_let_in(request) else user


def is_let_in(request) -> bool:
    """Whether the owner sent it: a session, or while AUTH_ENABLED is false a browser on this machine."""
    if settings.AUTH_ENABLED:
        return COOKIE in request.COOKIES and session_of(request) is not None
    return not why_not_loopback(request.received)


def _owner():
    powerless = {"is_active": False, "password": make_password(None)}
    user, _ = User.objects.get_or_create(username=OWNER, defaults=powerless)
    user.is_active = user.is_staff = user.is_superuser = True  # in this request; it is never saved
    return user


def _is_owner(username):
    return settings.AUTH_ENABLED and username in ("", OWNER)
