"""Replies without gunicorn's Server header: strangers need not learn what to attack, and no setting does it."""

from gunicorn.http import wsgi


def leave_out():
    """For this process and the workers it forks."""
    told = wsgi.Response.default_headers
    wsgi.Response.default_headers = lambda reply: [line for line in told(reply) if not line.startswith("Server:")]
