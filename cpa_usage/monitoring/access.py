"""Who may read <base>/metrics: a token with its scope, or a program on this machine."""

from functools import wraps

from django.http import HttpResponse
from rest_framework.exceptions import APIException

from cpa_usage.auth.sessions import TokenRefused, api_token_of
from cpa_usage.http.errors import error_of, error_response
from cpa_usage.http.proxies import why_not_loopback
from cpa_usage.models import ApiToken


def scrapes(view):
    """Decorator of a view: 401 or 403 with a sentence for everyone else, with and without AUTH_ENABLED."""

    @wraps(view)
    def wrapper(request):
        try:
            token = api_token_of(request)
            if token is None and (why := why_not_loopback(request.received, scraper=True)):
                raise TokenRefused(f"Send an API token with the scope metrics: {why}")
        except APIException as refusal:
            return _refused(refusal)
        if token and token.scope == ApiToken.Scope.READ:
            return error_response(403, "This token may not read /metrics: make one with the scope metrics.")
        return view(request)

    return wrapper


def _refused(refusal) -> HttpResponse:
    response = error_response(refusal.status_code, error_of(refusal).error)
    if refusal.status_code == TokenRefused.status_code:
        response["WWW-Authenticate"] = refusal.auth_header
    return response
