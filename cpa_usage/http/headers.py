"""Headers of every reply that is not a static file: what a page may load, and who may keep a copy; and our cookies."""

from datetime import timedelta

from django.conf import settings

SELF = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'"
NONE = "'none'"
# The admin's theme evaluates expressions in its pages (Alpine.js) and styles elements in place.
THEME = "script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"


def with_cookie(response, request, name: str, value: str, lasts: int | timedelta):
    """The response, with a cookie that is sent below our base path only and shown to no script; `lasts` in seconds."""
    secure = settings.SECURE_COOKIES or request.is_secure()
    response.set_cookie(name, value, lasts, path=settings.COOKIE_PATH, secure=secure, httponly=True, samesite="Lax")
    return response


def reply_headers(get_response):
    """Middleware: Cache-Control and the Content-Security-Policy, which is looser for the theme under admin/ alone."""
    strict = f"{SELF}; frame-ancestors {' '.join(settings.FRAME_ANCESTORS) or NONE}"

    def middleware(request):
        response = get_response(request)
        policy = f"{strict}; {THEME}" if request.path_info.startswith("/admin/") else strict
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Cache-Control", "private, no-cache")  # checked with its ETag each time
        if settings.FRAME_ANCESTORS:  # X-Frame-Options cannot name an origin
            response.headers.pop("X-Frame-Options", None)
        return response

    return middleware
