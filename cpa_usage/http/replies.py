"""Middleware over every reply that is not a static file: caches keep it for its reader alone."""


def private_replies(get_response):
    """Middleware: a reply is kept for its reader alone, and checked with its ETag each time."""

    def middleware(request):
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return middleware
