"""/auth/*: signing in with LOGIN_PASSWORD, signing out, and whether a client is signed in."""

from hmac import compare_digest

from django.conf import settings
from msgspec import UNSET, Struct, UnsetType
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework_simplejwt.utils import datetime_from_epoch

from cpa_usage.auth.sessions import Refused, SessionToken, is_known, set_cookie, sign_out
from cpa_usage.auth.throttle import count_try, forgive
from cpa_usage.http.rest import body_of, endpoint


class SessionState(Struct, frozen=True):
    """Whether this client is in, and whether it needs to be."""

    authenticated: bool
    auth_required: bool


class SignedInReply(Struct, frozen=True):
    """Whether one is signed in and until when, or that no login is needed."""

    authenticated: bool
    expires_at: str | UnsetType = UNSET
    auth_required: bool | UnsetType = UNSET


class SignedOutReply(Struct, frozen=True):
    """Always so after signing out."""

    authenticated: bool


class PasswordSerializer(serializers.Serializer):
    """The body of a login; a blank password is none, so that an unset LOGIN_PASSWORD admits no login."""

    password = serializers.CharField(max_length=1000, trim_whitespace=False)


@endpoint(SessionState, is_open=True, summary="Whether one is signed in")
def session(request):
    """Whether this client is signed in."""
    return Response(SessionState(authenticated=is_known(request), auth_required=settings.AUTH_ENABLED))


@endpoint(SignedInReply, "POST", is_open=True, summary="Sign in", body=PasswordSerializer, errors=(401, 429))
def login(request):
    """Sign in: the session comes back as a cookie, whose value also works as a bearer token."""
    if not settings.AUTH_ENABLED:
        return Response(SignedInReply(authenticated=True, auth_required=False))
    token = session_for(request, body_of(request, PasswordSerializer)["password"])
    expires_at = datetime_from_epoch(token["exp"]).isoformat().replace("+00:00", "Z")
    return set_cookie(Response(SignedInReply(authenticated=True, expires_at=expires_at)), request, token)


@endpoint(SignedOutReply, "POST", is_open=True, summary="Sign out")
def logout(request):
    """Sign out: every token this request carries ends on the server, and the cookie is taken back."""
    return sign_out(Response(SignedOutReply(authenticated=False)), request._request)


def session_for(request, password: str) -> SessionToken:
    """A new session for the right password; raises Refused, or Throttled after too many tries."""
    address = request.META.get("REMOTE_ADDR", "")
    count_try(address)
    if not password or not compare_digest(password.encode(), settings.LOGIN_PASSWORD.encode()):
        raise Refused("The password is wrong.")
    forgive(address)
    return SessionToken.open(request)
