"""What pages may load, and who may show them in a frame."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from cpa_usage.http.headers import reply_headers

STRICT = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'"
THEME = "; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"


def headers(path):
    request = RequestFactory().get(path)
    answer = reply_headers(lambda _: HttpResponse(headers={"X-Frame-Options": "DENY"}))(request)
    return answer.headers["Content-Security-Policy"], answer.headers.get("X-Frame-Options")


@pytest.mark.parametrize(
    ("path", "more"),
    [("/", ""), ("/api/docs/", ""), ("/administration", ""), ("/api/v1/admin/", ""), ("/admin/", THEME)],
)
def test_the_admin_alone_may_do_more(path, more):
    assert headers(path) == (f"{STRICT}; frame-ancestors 'none'{more}", "DENY")


@pytest.mark.parametrize(("path", "more"), [("/", ""), ("/admin/login/", THEME)])
def test_only_who_is_named_may_show_pages_in_a_frame(settings, path, more):
    settings.FRAME_ANCESTORS = ["'self'", "https://cpa.example.org"]
    assert headers(path) == (f"{STRICT}; frame-ancestors 'self' https://cpa.example.org{more}", None)


@pytest.mark.django_db
def test_every_reply_says_what_browsers_may_do_with_it(client):
    for path in ("/healthz", "/api/v1/ping", "/api/v1/nothing", "/nothing", "/"):
        reply = client.get(path)
        sent = {name: reply.headers[name] for name in SAID}
        assert sent == SAID, path


SAID = {
    "Content-Security-Policy": f"{STRICT}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
