"""The Content-Security-Policy of every page: it loads our own files only, and is shown in no foreign frame."""

from django.conf import settings

SELF = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'"
NONE = "'none'"
# The admin's theme evaluates expressions in its pages (Alpine.js) and styles elements in place.
THEME = "script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"


def content_security_policy(get_response):
    """Middleware: the strict policy everywhere, and under admin/ alone what its theme needs."""
    strict = f"{SELF}; frame-ancestors {' '.join(settings.FRAME_ANCESTORS) or NONE}"
    admin = f"{strict}; {THEME}"

    def middleware(request):
        response = get_response(request)
        policy = admin if request.path_info.startswith("/admin/") else strict
        response.headers.setdefault("Content-Security-Policy", policy)
        if settings.FRAME_ANCESTORS:  # X-Frame-Options cannot name an origin
            response.headers.pop("X-Frame-Options", None)
        return response

    return middleware
