"""Writes from pages of other origins are refused, so the API needs no CSRF token; so are pages with wrong links."""

from urllib.parse import urlsplit

from django.conf import settings
from django.shortcuts import render

from cpa_usage.http.errors import refusal
from cpa_usage.http.proxies import why_foreign, why_no_cookies, why_not_mounted

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def same_origin_writes(get_response):
    """Middleware: 403 for a write from a page of another origin, with or without a login, admin included."""

    def middleware(request):
        if request.method not in SAFE_METHODS and not is_same_origin(request):
            return refusal(request, 403, why_foreign(request))
        lost = "text/html" in request.headers.get("Accept", "") and why_not_mounted(request.META)
        return refusal(request, 400, lost) if lost else get_response(request)

    return middleware


def csrf_failure(request, reason=""):
    """Django's 403 for a form: says what to set where its cookie could not be kept or its origin is not known."""
    sentence = why_no_cookies(request)
    if not sentence and reason.startswith(("Origin", "Referer")):
        return refusal(request, 403, why_foreign(request))
    return render(request, "403_csrf.html", {"lost": sentence, "public_url": settings.APP_PUBLIC_URL}, status=403)


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
