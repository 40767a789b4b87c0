"""Which writes are taken to come from our own pages."""

import pytest

pytestmark = [pytest.mark.urls("tests.cpa_usage.probe_urls"), pytest.mark.django_db]
HERE = "http://testserver"
REFUSED = (
    "Writes from pages of another origin are refused. "
    "If this was a page of cpa-usage, set APP_PUBLIC_URL to its address in the browser."
)

RULES = [
    # what the browser says itself decides
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": ""}, False),
    ({"Sec-Fetch-Site": "same-origin, cross-site"}, False),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy", "Host": "127.0.0.1:8318"}, True),
    ({"Sec-Fetch-Site": "cross-site", "Origin": HERE}, False),
    # without it, the origin
    ({"Origin": HERE}, True),
    ({"Origin": f"{HERE}:80"}, True),
    ({"Origin": "HTTP://TestServer"}, True),
    ({"Origin": "http://usage.lan:8318", "Host": "usage.lan:8318"}, True),
    ({"Origin": "http://[::1]:8318", "Host": "[::1]:8318"}, True),
    ({"Origin": "http://usage.lan", "Host": "usage.lan:8318"}, False),
    ({"Origin": f"{HERE}:8080"}, False),
    ({"Origin": "https://testserver"}, False),
    ({"Origin": "http://testserver.evil.example"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({"Origin": "http://[::1"}, False),
    ({"Origin": "http://testserver:port"}, False),
    # neither: a program
    ({}, True),
]


@pytest.mark.parametrize("auth", [False, True])
@pytest.mark.parametrize(("headers", "passes"), RULES)
def test_a_write(client, settings, headers, passes, auth):
    settings.AUTH_ENABLED = auth
    reply = client.put("/api/v1/write", b'{"items": []}', content_type="application/json", headers=headers)
    if passes:
        assert reply.status_code == (401 if auth else 200)
    else:
        assert (reply.status_code, reply.json()) == (403, {"error": REFUSED})


@pytest.mark.parametrize(
    ("origin", "passes"),
    [
        ("https://usage.example", True),
        ("https://usage.example:443", True),
        ("http://usage.example", False),
        ("https://example", False),
        ("http://127.0.0.1:8318", True),
    ],
)
def test_a_write_through_a_proxy_that_ends_tls(client, settings, origin, passes):
    settings.APP_PUBLIC_URL = "https://usage.example"
    headers = {"Origin": origin, "Host": "127.0.0.1:8318"}
    reply = client.put("/api/v1/write", b'{"items": []}', content_type="application/json", headers=headers)
    assert reply.status_code == (200 if passes else 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRICK"])
def test_every_method_that_may_change_something(client, method):
    for path in ("/api/v1/rows", "/admin/login/", "/"):
        assert client.generic(method, path, headers={"Origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reads_are_free(client, method):
    assert client.generic(method, "/api/v1/rows", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
