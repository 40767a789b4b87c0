"""Writes from pages of other origins are refused, so the API needs no CSRF token."""

from urllib.parse import urlsplit

from django.conf import settings

from cpa_usage.http.errors import error_response

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class SameOriginWrites:
    """Middleware: 403 for a write from a page of another origin, with or without a login, admin included."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method in SAFE_METHODS or is_same_origin(request):
            return self.get_response(request)
        return error_response(403, "Writes from pages of another origin are refused.")


def is_same_origin(request) -> bool:
    """Sec-Fetch-Site decides where there is one, for proxies may change Host; programs send neither it nor Origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own = _origin(f"{request.scheme}://{request.get_host()}")
    return _origin(origin) in {own, _origin(settings.APP_PUBLIC_URL)} - {None}


def _origin(address):
    """(scheme, host, port), or None where the address is not a web origin."""
    try:
        parts = urlsplit(address)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # a port that is no number, a bracket left open
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and port else None
