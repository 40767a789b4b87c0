"""Writes come from our own pages or from no page at all: the API needs no CSRF token of its own."""

from urllib.parse import urlsplit

from django.conf import settings

from cpa_usage.http.errors import error_response

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class SameOriginWrites:
    """Middleware: 403 for a write that a page of another origin started, with a login or without, admin included."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method in SAFE_METHODS or comes_from_here(request):
            return self.get_response(request)
        return error_response(403, "Writes from pages of another origin are refused.")


def comes_from_here(request) -> bool:
    """What the browser says itself decides, whatever proxies did to Host; programs say nothing and may pass."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own = _origin(f"{request.scheme}://{request.get_host()}")
    return _origin(origin) in {own, _origin(settings.APP_PUBLIC_URL)} - {None}


def _origin(address):
    """(scheme, host, port), or None for what is no web origin."""
    try:
        parts = urlsplit(address)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # a port that is no number, a bracket left open
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and port else None
