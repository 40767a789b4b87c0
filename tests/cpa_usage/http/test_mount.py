"""What Django is given of a path."""

import pytest

from cpa_usage.http.mount import mounted


def seen(base, path, query=""):
    """The path Django would see, or the status and the place a redirect names."""
    answers = []
    environ = {"PATH_INFO": path, "QUERY_STRING": query}
    application = mounted(lambda environ, start_response: answers.append(environ["PATH_INFO"]), base)
    application(environ, lambda status, headers: answers.append((status, dict(headers)["Location"])))
    return answers[0]


@pytest.mark.parametrize(
    ("base", "path", "inner"),
    [
        ("/usage", "/usage/", "/"),
        ("/usage", "/", "/"),
        ("/usage", "", ""),
        ("/usage", "/usage/healthz", "/healthz"),
        ("/usage", "/healthz", "/healthz"),
        ("/usage", "/usage/usage/healthz", "/usage/healthz"),
        ("/usage", "/usagex/", "/usagex/"),
        ("/usage", "/usagex", "/usagex"),
        ("/usage", "/Usage/", "/Usage/"),
        ("/usage", "/a/usage/", "/a/usage/"),
        ("/usage", "/usage/api/v1/ping/", "/api/v1/ping"),
        ("/usage", "/api/v1/ping/", "/api/v1/ping"),
        ("/usage", "/api/v1/pricing/a/b/", "/api/v1/pricing/a/b"),
        ("/usage", "/api/v1/ping//", "/api/v1/ping/"),
        ("/usage", "/api/v1/", "/api/v1/"),
        ("/usage", "/api/docs/", "/api/docs/"),
        ("/usage", "/admin/", "/admin/"),
        ("/a/b", "/a/b/healthz", "/healthz"),
        ("/a/b", "/a/healthz", "/a/healthz"),
        ("/größe".encode().decode("latin-1"), "/größe/x".encode().decode("latin-1"), "/x"),
        ("", "/", "/"),
        ("", "/usage/", "/usage/"),
        ("", "/api/v1/ping/", "/api/v1/ping"),
    ],
)
def test_a_path(base, path, inner):
    assert seen(base, path) == inner


@pytest.mark.parametrize(("query", "place"), [("", "/usage/"), ("range=24h&model=a", "/usage/?range=24h&model=a")])
def test_the_base_without_a_slash_is_sent_on_to_where_its_cookies_are(query, place):
    assert seen("/usage", "/usage", query) == ("308 Permanent Redirect", place)
