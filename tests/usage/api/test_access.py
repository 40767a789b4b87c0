"""Who may read: everybody while there is no login, else a cookie or a bearer; and no reply ever holds a key."""

import json
from http import HTTPMethod

import pytest
from django.test import Client

from cpa_usage.auth.sessions import COOKIE
from tests.usage.api.conftest import CAPTURED, store

READS = [
    *("status", "models/used", "usage/overview", "usage/health", "usage/analysis", "usage/events"),
    *("usage/events/filters", "usage/credentials"),
]
LOGS = ["usage/events/a07802d8/log", "usage/events/a07802d8/log/raw"]


@pytest.fixture
def locked(settings, db):
    settings.AUTH_ENABLED = True
    settings.LOGIN_PASSWORD = "correct horse"


@pytest.mark.parametrize("path", [*READS, *LOGS, "usage/events/1-0", "usage/overview?range=nonsense"])
@pytest.mark.usefixtures("locked")
def test_strangers_are_asked_to_sign_in(client, path):
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Cookie": f"{COOKIE}=nonsense"}):
        for method in (HTTPMethod.GET, HTTPMethod.HEAD):
            reply = client.generic(method, f"/api/v1/{path}", headers=headers)
            assert (reply.status_code, reply["WWW-Authenticate"]) == (401, 'Bearer realm="cpa-usage"')
        assert client.get(f"/api/v1/{path}", headers=headers).json() == {"error": "authentication required"}


def test_a_cookie_and_a_bearer_read_the_same_until_signed_out(client, captured, locked):
    client.post("/api/v1/auth/login", {"password": "correct horse"}, content_type="application/json")
    bearer = Client(headers={"Authorization": f"Bearer {client.cookies[COOKIE].value}"})
    for path in READS:
        replies = [reader.get(f"/api/v1/{path}") for reader in (client, bearer)]
        assert [reply.status_code for reply in replies] == [200, 200]
        assert replies[0].content == replies[1].content
    client.post("/api/v1/auth/logout", content_type="application/json")
    assert {bearer.get(f"/api/v1/{path}").status_code for path in READS} == {401}


def test_head_has_the_headers_and_no_body(client, captured):
    for path in [*READS, f"usage/events/{captured[0].key}"]:
        full, head = client.get(f"/api/v1/{path}"), client.head(f"/api/v1/{path}")
        assert (head.status_code, head.content) == (200, b"")
        assert [head[name] for name in ("ETag", "Content-Type")] == [full[name] for name in ("ETag", "Content-Type")]


def test_a_browser_gets_a_page_of_every_read(client, captured):
    for path in [*READS, f"usage/events/{captured[0].key}"]:
        page = client.get(f"/api/v1/{path}", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert f"/usage/api/v1/{path.partition('?')[0]}" in page.content.decode()


def test_a_browser_sees_what_is_wrong_with_an_address(client, db):
    page = client.get("/api/v1/usage/overview?range=nonsense", headers={"Accept": "text/html"})
    assert (page.status_code, "Unknown range: use today" in page.content.decode()) == (400, True)


CANARIES = {
    "client key": "sk-canary-client-0123456789",
    "short client key": "Zq9#k",
    "upstream key": "AIzaCanaryUpstream0123456789",
    "unknown kind of key": "c4n4ryc4n4ryc4n4ryc4n4ry99",
}


def test_no_reply_holds_a_key(client, priced):
    """Not as a label, not in an error body, and not when it was the filter."""
    item = json.loads(CAPTURED[0])
    body = f"Incorrect API key provided: {CANARIES['client key']}, upstream {CANARIES['upstream key']}."
    failure = {"failed": True, "fail": {"status_code": 401, "body": body}}
    made = [
        {"api_key": CANARIES["client key"], "source": CANARIES["upstream key"], **failure},
        {"api_key": CANARIES["short client key"], "source": CANARIES["unknown kind of key"], "auth_type": ""},
    ]
    found = store([json.dumps(item | fields).encode() for fields in made])
    paths = [*READS, *(f"usage/events/{one.key}" for one in found), "aliases", "aliases/export", "pricing"]
    paths += [f"usage/{path}?api_key={CANARIES['client key']}" for path in ("overview", "events", "analysis")]
    paths += [f"usage/{path}?source={CANARIES['upstream key']}" for path in ("credentials", "events/filters")]
    for path in paths:
        for accept in ("application/json", "text/html"):
            text = client.get(f"/api/v1/{path}", headers={"Accept": accept}).content.decode().partition("?")[0]
            assert [name for name, key in CANARIES.items() if key in text] == [], path
    assert client.get("/api/v1/usage/events").json()["total"] == 2
