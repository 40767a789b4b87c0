"""What a page of ours may load and run: our own files and nothing else."""

STRICT = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# The admin's theme evaluates expressions in its pages (Alpine.js) and styles elements in place.
ADMIN = f"{STRICT}; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"


def content_security_policy(get_response):
    """Middleware: the strict policy everywhere, and under admin/ alone what its theme needs."""

    def middleware(request):
        response = get_response(request)
        policy = ADMIN if request.path_info.startswith("/admin/") else STRICT
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware
