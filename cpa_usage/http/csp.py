"""What a page of ours may load and run, and who may show it in a frame: our own files, and nobody."""

from django.conf import settings

SELF = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'"
NOBODY = "'none'"
# The admin's theme evaluates expressions in its pages (Alpine.js) and styles elements in place.
THEME = "script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"


def content_security_policy(get_response):
    """Middleware: the strict policy everywhere, and under admin/ alone what its theme needs."""
    strict = f"{SELF}; frame-ancestors {' '.join(settings.FRAME_ANCESTORS) or NOBODY}"
    admin = f"{strict}; {THEME}"

    def middleware(request):
        response = get_response(request)
        policy = admin if request.path_info.startswith("/admin/") else strict
        response.headers.setdefault("Content-Security-Policy", policy)
        if settings.FRAME_ANCESTORS:  # X-Frame-Options cannot name anybody
            response.headers.pop("X-Frame-Options", None)
        return response

    return middleware
