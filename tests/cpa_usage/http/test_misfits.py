"""A visit that fits no setting is answered with a sentence that names the variable, never with a bare refusal."""

from ipaddress import ip_network

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
PAGE = {"Accept": "text/html,*/*"}
FRAMED = {"Sec-Fetch-Dest": "iframe"}
HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.fixture(autouse=True)
def configured(settings):
    """A login, https outside, and one proxy that is believed."""
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "correct horse"
    settings.APP_PUBLIC_URL, settings.SECURE_COOKIES = "https://usage.example", True
    settings.CSRF_TRUSTED_ORIGINS = ["https://usage.example"]
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]


def visitor(peer="10.0.0.1"):
    return Client(enforce_csrf_checks=True, REMOTE_ADDR=peer)


def posted(path="/login/", peer="10.0.0.1", **headers):
    """(status, page) of a form whose cookie did not come back."""
    reply = visitor(peer).post(path, {"password": "correct horse"}, headers=headers)
    return reply.status_code, reply.text


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, True),
        ({"X-Forwarded-Proto": "http"}, True),
        (HTTPS, False),
        ({"Sec-Fetch-Site": "none"}, False),  # sent over https, or by a browser on this machine
    ],
)
def test_secure_cookies_over_http(path, headers, told):
    page = visitor().get(path, headers=PAGE | headers)
    assert page.status_code == 200
    assert ("APP_PUBLIC_URL" in page.text and "TRUSTED_PROXIES" in page.text) == told
    status, text = posted(path, **headers)
    assert status == 403
    assert ("APP_PUBLIC_URL" in text and 'href="https://usage.example/usage/"' in text) == told
    assert ("Open https://usage.example" in text, "in a tab of its own" in text) == (told, False)


def test_over_http_nothing_is_said_where_cookies_are_not_secure(settings):
    settings.SECURE_COOKIES = False
    assert "APP_PUBLIC_URL" not in visitor().get("/login/").text


def test_a_proxy_that_is_not_believed_is_named():
    for headers in (HTTPS, {"X-Forwarded-For": "203.0.113.9"}):
        status, page = posted(peer="192.0.2.7", **HTTPS | headers, Origin="https://usage.other")
        assert status == 403
        assert "The proxy at 192.0.2.7 is not believed: add it to TRUSTED_PROXIES." in page
    assert "TRUSTED_PROXIES" not in posted(**HTTPS, Origin="https://usage.other")[1]
    # A browser says that the page is ours; Django looks at its origin all the same.
    ours = {"Sec-Fetch-Site": "same-origin", "Origin": "https://usage.other"}
    assert "TRUSTED_PROXIES" in posted(peer="192.0.2.7", **HTTPS | ours)[1]


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_write_from_another_origin(site):
    headers = HTTPS | site | {"Origin": "https://evil.example"}
    status, page = posted(**headers)
    assert status == 403 and "set APP_PUBLIC_URL to its address" in page and "<html" in page
    reply = visitor().post("/api/v1/sync", headers=headers)
    assert reply.status_code == 403 and "set APP_PUBLIC_URL to its address" in reply.json()["error"]


def test_a_frame_of_another_site():
    page = visitor().get("/login/", headers=HTTPS | FRAMED | {"Sec-Fetch-Site": "cross-site"})
    assert "FRAME_ANCESTORS" in page.text and 'target="_blank"' in page.text
    ours = HTTPS | FRAMED | {"Sec-Fetch-Site": "same-origin", "Origin": "https://usage.example"}
    status, text = posted(**ours)
    assert (status, "FRAME_ANCESTORS" in text, 'target="_blank"' in text) == (403, True, True)
    assert "Open cpa-usage in a tab of its own" in page.text and "Open https:" not in page.text
    for site in ("same-site", "same-origin"):  # their cookies are kept
        assert "FRAME_ANCESTORS" not in visitor().get("/login/", headers=HTTPS | FRAMED | {"Sec-Fetch-Site": site}).text


@pytest.mark.parametrize(
    ("public", "names"), [("", ("APP_PUBLIC_URL", "AUTH_ENABLED")), ("https://usage.example", ("APP_PUBLIC_URL",))]
)
def test_a_host_that_is_not_ours(settings, public, names):
    settings.ALLOWED_HOSTS, settings.APP_PUBLIC_URL = ["localhost"], public
    for method in ("get", "post"):
        page = getattr(visitor(), method)("/", headers={"Host": "evil.example", "Origin": "http://evil.example"})
        assert page.status_code == 400 and "<html" in page.text
        reply = getattr(visitor(), method)("/api/v1/sync", headers={"Host": "evil.example"})
        assert reply.status_code == 400
        assert all(name in page.text and name in reply.json()["error"] for name in names)


@pytest.mark.parametrize(
    ("prefix", "fits"),
    [
        ("/usage", True),
        ("/usage/", True),
        ("", True),
        ("/", True),
        ("/stats", False),
        ("/stats,/usage", False),
        ("/us,/age", False),
        ("<b>", False),
    ],
)
def test_a_prefix_that_is_not_ours(prefix, fits):
    reply = visitor().get("/login/", headers=HTTPS | PAGE | {"X-Forwarded-Prefix": prefix})
    assert (reply.status_code, "APP_BASE_PATH is another path" in reply.text) == ((200, False) if fits else (400, True))
    assert "<b>" not in reply.text.replace("<b>cpa-usage</b>", "")
    program = visitor().get("/api/v1/ping", headers={"X-Forwarded-Prefix": prefix})
    assert program.status_code == 200


def test_proxies_that_each_strip_a_part(settings):
    settings.APP_BASE_PATH = "/a/b"
    reply = visitor().get("/login/", headers=HTTPS | PAGE | {"X-Forwarded-Prefix": "/a, /b"})
    assert reply.status_code == 200


def test_what_is_not_there_names_the_path_of_all_pages():
    assert "All pages are below /usage/ (APP_BASE_PATH)." in visitor().get("/stats/").text


def test_a_page_without_its_stylesheets_says_what_to_set():
    assert '<p class="unstyled">' in visitor().get("/login/", headers=HTTPS).text
