"""Authentication: session and API tokens, where requests carry them, and the permissions of views.

A session is a signed token and a row that says it is still open; no user belongs to it, for there is one password.
Deleting the row ends it, and so does another LOGIN_PASSWORD: the signing key and `password_id` change with it.
"""

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from cpa_usage.auth.throttle import count_bad_token
from cpa_usage.http.headers import with_cookie
from cpa_usage.http.proxies import why_not_loopback
from cpa_usage.models import TOKEN_PREFIX, ApiToken, Session, password_id

COOKIE = "cpa_usage_session"


class SessionToken(Token):
    """The token of a session that lasts AUTH_SESSION_TTL."""

    token_type = "session"

    @property
    def lifetime(self):
        """Read when a token is made."""
        return settings.AUTH_SESSION_TTL

    @classmethod
    def open(cls, request) -> "SessionToken":
        """A session for the client of `request`, listed until it ends."""
        token, now = cls(), timezone.now()
        Session.objects.create(
            jti=token["jti"],
            password_id=password_id(),
            opened_at=now,
            expires_at=now + token.lifetime,
            address=request.META.get("REMOTE_ADDR", "")[:64],
            user_agent=request.headers.get("User-Agent", "").replace("\0", "")[:255],
        )
        return token

    def verify(self):
        """Called for every token that is read; raises TokenError when its session has ended."""
        super().verify()
        if not Session.current().filter(jti=self["jti"]).exists():
            raise TokenError("The session has ended.")


class SessionTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`, of a session or for programs, else the session cookie.

    A session that is over is as good as none: a stale cookie must not close what is open to all. A token for programs
    that does not hold is refused, for a program should say so and not go on as another.
    """

    def authenticate(self, request):
        """(AnonymousUser, the SessionToken or ApiToken), or None. Raises Refused."""
        token = session_of(request) or api_token_of(request)
        return (AnonymousUser(), token) if token else None

    def authenticate_header(self, request):
        """The value of WWW-Authenticate in a 401."""
        return Refused.auth_header


class Refused(APIException):
    """A password that is wrong, or a token for programs that is unknown, expired or revoked."""

    status_code = 401
    auth_header = 'Bearer realm="cpa-usage"'


class SignedIn(BasePermission):
    """A session, a token with the scope that is needed, or any request without one while AUTH_ENABLED is false."""

    def has_permission(self, request, view):
        """Raises PermissionDenied where the scope of a token is too small."""
        if isinstance(request.auth, ApiToken) and (sentence := request.auth.why_not(request.method)):
            raise PermissionDenied(sentence)
        return request.auth is not None or not settings.AUTH_ENABLED


class SessionRequired(SignedIn):
    """A session, not a token for programs: those may not list or end sessions."""

    def has_permission(self, request, view):
        """Also false for an ApiToken of any scope."""
        return super().has_permission(request, view) and not isinstance(request.auth, ApiToken)


class Scraping(BasePermission):
    """Who may read <base>/metrics, with and without AUTH_ENABLED: a token with its scope, or a program on this machine;
    a session is no token.
    """

    def has_permission(self, request, view):
        """Raises Refused or PermissionDenied with a sentence for all others."""
        if isinstance(request.auth, ApiToken):
            if request.auth.scope == ApiToken.Scope.READ:
                raise PermissionDenied("This token may not read /metrics: make one with the scope metrics.")
        elif why := why_not_loopback(request.received, scraper=True):
            raise Refused(f"Send an API token with the scope metrics: {why}")
        return True


def session_of(request) -> SessionToken | None:
    """The first token of the request that holds; None while AUTH_ENABLED is false."""
    if not settings.AUTH_ENABLED:
        return None
    return next(iter(sessions_of(request)), None)


def api_token_of(request) -> ApiToken | None:
    """The token for programs that the request carries, or None. Raises Refused, or Throttled after many tries."""
    raw = _bearer(request)
    if not raw or not raw.startswith(TOKEN_PREFIX):
        return None
    token = ApiToken.find(raw)
    if token is None:
        count_bad_token(request.META.get("REMOTE_ADDR", ""))
        raise Refused("This API token is not known here: it may have been deleted.")
    if token.state != "active":
        raise Refused(f"This API token is {token.state}: make another one.")
    return token


def is_known(request) -> bool:
    """Whether the client is signed in, or needs not be."""
    try:
        return not settings.AUTH_ENABLED or (session_of(request) or api_token_of(request)) is not None
    except APIException:  # of a token
        return False


def sessions_of(request):
    """Every token of the request that belongs to an open session."""
    for raw in (_bearer(request), request.COOKIES.get(COOKIE)):
        if raw:
            try:
                yield SessionToken(raw)
            except TokenError:
                continue


def set_cookie(response, request, token: SessionToken):
    """The response, which hands the token to a browser."""
    return with_cookie(response, request, COOKIE, str(token), settings.AUTH_SESSION_TTL)


def sign_out(response, request):
    """End every session that a request carries, on the server, and a superuser's; the response takes its cookie."""
    Session.objects.filter(jti__in=[token["jti"] for token in sessions_of(request)]).delete()
    logout(request)
    response.delete_cookie(COOKIE, path=settings.COOKIE_PATH, samesite="Lax")
    return response


def _bearer(request):
    scheme, _, token = get_authorization_header(request).partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else None
