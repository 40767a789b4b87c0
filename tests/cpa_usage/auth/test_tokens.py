"""Tokens for programs: what they open, and what is kept of them."""

from datetime import timedelta
from hashlib import sha256

import pytest
from django.test import Client
from django.utils import timezone

from cpa_usage.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.cpa_usage.signin_urls")]
LOCKED, WRITE, SESSION = "/api/v1/rows", "/api/v1/write", "/api/v1/auth/session"
BODY = {"items": [{"name": "a"}]}


@pytest.fixture(autouse=True)
def locked(settings):
    settings.AUTH_ENABLED = True
    settings.LOGIN_PASSWORD = "correct horse"


def token(scope=ApiToken.Scope.READ):
    return ApiToken(name="status bar", scope=scope).issue()


def program(raw):
    return Client(headers={"Authorization": f"Bearer {raw}"})


def test_a_token_is_kept_as_its_hash():
    raw = token()
    assert raw.startswith("cpau_")
    assert len(raw) == len("cpau_") + 43
    (row,) = ApiToken.objects.values()
    assert (row["digest"], row["shown"]) == (sha256(raw.encode()).hexdigest(), f"{raw[:9]}…")
    assert raw[9:] not in str(row)
    assert token() != raw


def test_a_token_that_may_read():
    client = program(token())
    assert [client.get(LOCKED).status_code, client.head(LOCKED).status_code] == [200, 200]
    assert client.get(SESSION).json() == {"authenticated": True, "auth_required": True}
    reply = client.put(WRITE, BODY, content_type="application/json")
    assert (reply.status_code, reply.json()) == (403, {"error": "This token may only read."})


def test_a_token_that_may_write():
    assert program(token(ApiToken.Scope.ALL)).put(WRITE, BODY, content_type="application/json").status_code == 200


@pytest.mark.parametrize("login", [True, False])
def test_a_token_for_metrics_opens_nothing_else(settings, login):
    settings.AUTH_ENABLED = login
    reply = program(token(ApiToken.Scope.METRICS)).get(LOCKED)
    assert (reply.status_code, reply.json()) == (403, {"error": "This token may only read /metrics."})


@pytest.mark.parametrize("login", [True, False])
@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_a_token_that_is_over_opens_nothing_and_says_why(settings, state, login):
    settings.AUTH_ENABLED = login
    raw = token()
    ApiToken.objects.update(**{"expires_at" if state == "expired" else "revoked_at": timezone.now()})
    for _ in range(20):
        reply = program(raw).get(LOCKED)
    assert (reply.status_code, reply["WWW-Authenticate"]) == (401, 'Bearer realm="cpa-usage"')
    assert reply.json() == {"error": f"This API token is {state}: make another one."}
    assert program(raw).get(SESSION).json()["authenticated"] is not login
    assert ApiToken.objects.get().last_used_at is None


def test_a_token_ends_when_it_says(set_clock):
    raw, start = token(), timezone.now()
    ApiToken.objects.update(expires_at=start + timedelta(days=1))
    codes = []
    for seconds in (-1, 0):
        set_clock(start + timedelta(days=1, seconds=seconds))
        codes.append(program(raw).get(LOCKED).status_code)
    assert codes == [200, 401]


def test_a_token_is_looked_at_while_there_is_no_login_too(settings):
    settings.AUTH_ENABLED = False
    client = program(token())
    assert client.get(LOCKED).status_code == 200
    assert client.put(WRITE, BODY, content_type="application/json").status_code == 403
    assert ApiToken.objects.get().last_used_at is not None


def test_guesses_are_throttled_apart_from_the_password(set_clock):
    set_clock(timezone.now().replace(second=30))
    raw, guess = token(), program("cpau_" + "a" * 43)
    replies = [guess.get(LOCKED) for _ in range(11)]
    assert [reply.status_code for reply in replies] == [401] * 10 + [429]
    assert "not known" in replies[0].json()["error"] and 0 < int(replies[-1]["Retry-After"]) <= 30
    assert program(raw).get(LOCKED).status_code == 200
    body = {"password": "correct horse"}
    assert Client().post("/api/v1/auth/login", body, content_type="application/json").status_code == 200


@pytest.mark.parametrize("wrong", ["cpau_", "cpau_" + "a" * 43, "", "nonsense"])
def test_what_is_no_token(wrong):
    token()
    assert program(wrong).get(LOCKED).status_code == 401


def test_a_token_is_no_cookie_and_no_parameter():
    raw = token()
    client = Client()
    client.cookies["cpa_usage_session"] = raw
    assert client.get(LOCKED, {"token": raw}).status_code == 401


def test_its_use_is_noted_at_most_once_a_minute(set_clock):
    raw, start = token(), timezone.now()
    noted = []
    for seconds in (0, 1, 59, 60, 61):
        set_clock(start + timedelta(seconds=seconds))
        program(raw).get(LOCKED)
        noted.append((ApiToken.objects.get().last_used_at - start).total_seconds())
    assert noted == [0, 0, 0, 60, 60]


def test_with_the_door_open_no_token_is_looked_at(settings, django_assert_num_queries):
    settings.AUTH_ENABLED = False
    with django_assert_num_queries(0):
        assert program(token.__name__).get(LOCKED).status_code == 200
