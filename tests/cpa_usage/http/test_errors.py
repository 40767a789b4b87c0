"""Every error of the API is JSON with a sentence, and a field where there is one."""

import logging

import pytest
from django.test import Client

pytestmark = [pytest.mark.urls("tests.cpa_usage.probe_urls"), pytest.mark.django_db]


@pytest.fixture
def api():
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("how", "status", "error", "field"),
    [
        ("missing", 404, "Not found.", None),
        ("forbidden", 403, "You do not have permission to perform this action.", None),
        ("suspicious", 400, "This request cannot be understood.", None),
        ("field", 400, "Set one of today, 24h.", "range"),
        ("no_field", 400, "That will not do.", None),
        ("form", 400, "Enter a valid date.", "start"),
        ("model", 400, "The first.", None),
        ("non_field", 400, "Both together.", None),
        ("throttled", 429, "Request was throttled. Expected available in 3 seconds.", None),
        ("database", 503, "The database does not answer just now: try again in a moment.", None),
        ("closed", 503, "The database does not answer just now: try again in a moment.", None),
        ("unexpected", 500, "Something went wrong here; the log has the details.", None),
    ],
)
def test_an_exception_of_a_view(api, how, status, error, field):
    reply = api.get(f"/api/v1/failing/{how}")
    assert (reply.status_code, reply["Content-Type"], reply.json()) == (
        status,
        "application/json",
        {"error": error} | ({"field": field} if field else {}),
    )


def test_how_long_to_wait(api):
    assert api.get("/api/v1/failing/throttled")["Retry-After"] == "3"
    assert api.get("/api/v1/failing/database")["Retry-After"] == "5"


@pytest.mark.urls("cpa_usage.urls")
def test_a_broken_form_sent_to_an_unknown_address_is_not_read():
    client, token = Client(enforce_csrf_checks=True, raise_request_exception=False), "a" * 32
    client.cookies["csrftoken"] = token
    headers = {"X-CSRFToken": token, "Origin": "http://testserver"}
    reply = client.generic("POST", "/nope", b"x", content_type="multipart/form-data", headers=headers)
    assert reply.status_code == 404


def test_what_nobody_foresaw_is_logged(api, caplog):
    with caplog.at_level(logging.ERROR, "django.request"):
        api.get("/api/v1/failing/unexpected")
    assert [(r.message, r.exc_info[0]) for r in caplog.records] == [
        ("Internal Server Error: /api/v1/failing/<how>", RuntimeError)
    ]


def test_a_database_that_is_away_is_logged(api, caplog):
    api.get("/api/v1/failing/database")
    assert caplog.messages[0] == "The database does not answer: could not connect to host db.internal"


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/api", "/api/v1/pri%00cing", "/api/v1/rows/x"])
def test_an_unknown_address_of_the_api(api, path):
    reply = api.get(path)
    assert (reply.status_code, reply.json()) == (404, {"error": "There is nothing at this address."})


def test_an_unknown_address_elsewhere_is_a_page(api):
    reply = api.get("/apis")
    assert (reply.status_code, reply["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_a_method_there_is_not_names_those_there_are(api):
    reply = api.post("/api/v1/rows")
    assert (reply.status_code, reply.json()) == (405, {"error": 'Method "POST" not allowed.'})
    assert set(reply["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_head_is_get_without_a_body(api):
    reply = api.head("/api/v1/rows")
    assert (reply.status_code, reply.content, reply["ETag"]) == (200, b"", api.get("/api/v1/rows")["ETag"])


def test_without_a_session_where_one_is_needed(api, settings):
    settings.AUTH_ENABLED = True
    reply = api.get("/api/v1/rows")
    assert (reply.status_code, reply["WWW-Authenticate"], reply.json()) == (
        401,
        'Bearer realm="cpa-usage"',
        {"error": "authentication required"},
    )


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b"[1]", (400, "The body must be a JSON object.", None)),
        ("application/json", b'"x"', (400, "The body must be a JSON object.", None)),
        ("application/json", b"null", (400, "The body must be a JSON object.", None)),
        ("application/json", b"", (400, "The body must be a JSON object.", None)),
        ("application/json", b"{", (400, "The body is not JSON.", None)),
        ("application/json", b"{} {}", (400, "The body is not JSON.", None)),
        ("application/json", b'{"items": NaN}', (400, "The body is not JSON.", None)),
        ("application/json", b'{"items": 1e999}', (400, "The body is not JSON.", None)),
        ("application/json", b'{"items": "\xff"}', (400, "The body is not JSON.", None)),
        ("application/json", b'{"items": "\\ud800"}', (400, "The body is not JSON.", None)),
        ("application/json", b'{"a":' * 50_000, (400, "The body is not JSON.", None)),
        ("application/json", b"{}", (400, "This field is required.", "items")),
        ("application/json", b'{"items": 1}', (400, 'Expected a list of items but got type "int".', "items")),
        ("application/json", b'{"items": [{"name": "a"}, {}]}', (400, "This field is required.", "items.1.name")),
        (
            "application/json",
            b'{"items": [{"name": "a\\u0000"}]}',
            (400, "Null characters are not allowed.", "items.0.name"),
        ),
        ("application/json", b'{"items": [3]}', (400, "Invalid data. Expected a dictionary, but got int.", "items.0")),
        ("application/json", b" " * 2_621_441, (413, "The body is too large.", None)),
        ("text/plain", b"{}", (415, "Send a JSON object as application/json.", None)),
        ("application/x-www-form-urlencoded", b"items=1", (415, "Send a JSON object as application/json.", None)),
        ("multipart/form-data; boundary=x", b"--x--\r\n", (415, "Send a JSON object as application/json.", None)),
        ("", b"{}", (415, "Send a JSON object as application/json.", None)),
    ],
)
def test_a_body_that_will_not_do(api, content_type, body, expected):
    reply = api.generic("PUT", "/api/v1/write", body, content_type=content_type)
    error = reply.json()
    assert (reply.status_code, error.pop("error"), error.pop("field", None), error) == (*expected, {})


def test_a_body_that_will_do(api):
    reply = api.put(
        "/api/v1/write", b'{"items": [{"name": "\xc3\xa4"}]}', content_type="application/json; charset=utf-8"
    )
    assert (reply.status_code, reply.json()) == (200, {"items": [{"name": "ä", "count": 0}]})
