"""Signing in and out."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from cpa_usage.auth import throttle
from cpa_usage.auth.sessions import COOKIE, SessionToken

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.cpa_usage.signin_urls")]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PASSWORD = "correct horse Größe"
LOGIN, LOGOUT, SESSION, LOCKED = "/api/v1/auth/login", "/api/v1/auth/logout", "/api/v1/auth/session", "/api/v1/rows"
IN, OUT = {"authenticated": True, "auth_required": True}, {"authenticated": False, "auth_required": True}


@pytest.fixture(autouse=True)
def locked(settings):
    """A login with a password."""
    settings.AUTH_ENABLED = True
    settings.LOGIN_PASSWORD = PASSWORD
    settings.AUTH_SESSION_TTL = timedelta(hours=2)


def login(client, password=PASSWORD, **extra):
    return client.post(LOGIN, {"password": password}, content_type="application/json", **extra)


def bearer(token):
    return Client(headers={"Authorization": f"Bearer {token}"})


def test_the_password_opens_the_door(client):
    assert client.get(SESSION).json() == OUT
    assert client.get(LOCKED).status_code == 401
    reply = login(client)
    ends = datetime.fromisoformat(reply.json()["expires_at"])
    assert (reply.status_code, reply.json()) == (
        200,
        {"authenticated": True, "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")},
    )
    assert timedelta(minutes=119) < ends - timezone.now() <= timedelta(hours=2)
    assert client.get(SESSION).json() == IN
    assert client.get(LOCKED).status_code == 200


def test_the_cookie_is_for_this_mount_and_no_script(client):
    cookie = login(client).cookies[COOKIE]
    assert {name: cookie[name] for name in ("path", "httponly", "samesite", "max-age", "secure", "domain")} == {
        "path": "/usage/",
        "httponly": True,
        "samesite": "Lax",
        "max-age": 7200,
        "secure": "",
        "domain": "",
    }


def test_the_cookie_is_secure_behind_tls(client, settings):
    assert login(client, secure=True).cookies[COOKIE]["secure"] is True
    settings.SECURE_COOKIES = True
    assert login(client).cookies[COOKIE]["secure"] is True


def test_the_same_token_works_as_a_bearer(client):
    token = login(client).cookies[COOKIE].value
    assert bearer(token).get(LOCKED).status_code == 200
    assert Client(headers={"Authorization": f"bearer  {token}"}).get(SESSION).json() == IN


def test_a_bad_bearer_beside_a_good_cookie_does_no_harm(client):
    login(client)
    assert client.get(LOCKED, headers={"Authorization": "Bearer nonsense"}).status_code == 200


@pytest.mark.parametrize("password", ["wrong", PASSWORD + " ", PASSWORD.upper(), "\N{SNOWMAN}"])
def test_a_wrong_password(client, password):
    reply = login(client, password)
    assert (reply.status_code, reply.json()) == (401, {"error": "The password is wrong."})
    assert reply["WWW-Authenticate"] == 'Bearer realm="cpa-usage"'
    assert COOKIE not in reply.cookies


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "password"),
        (b'{"password": ""}', "password"),
        (b'{"password": null}', "password"),
        (b'{"password": ["x"]}', "password"),
        (b'{"password": true}', "password"),
        (b'{"password": "' + b"x" * 1001 + b'"}', "password"),
        (b"[]", None),
        (b"", None),
    ],
)
def test_a_malformed_login_is_no_try(client, body, field):
    for _ in range(throttle.TRIES_PER_ADDRESS + 1):
        reply = client.generic("POST", LOGIN, body, content_type="application/json")
        assert (reply.status_code, reply.json().get("field")) == (400, field)
    assert login(client).status_code == 200


def test_no_password_set_lets_nobody_in(client, settings):
    settings.LOGIN_PASSWORD = ""
    assert login(client, "x").status_code == 401
    assert login(client, "").status_code == 400


def test_signing_out_ends_the_session_on_the_server(client):
    token = login(client).cookies[COOKIE].value
    reply = client.post(LOGOUT)
    assert (reply.status_code, reply.json()) == (200, {"authenticated": False})
    assert {name: reply.cookies[COOKIE][name] for name in ("path", "max-age", "samesite")} == {
        "path": "/usage/",
        "max-age": 0,
        "samesite": "Lax",
    }
    assert bearer(token).get(LOCKED).status_code == 401
    assert bearer(token).get(SESSION).json() == OUT


def test_signing_out_ends_a_bearer_and_no_other_session():
    one, other = login(Client()).cookies[COOKIE].value, login(Client()).cookies[COOKIE].value
    bearer(one).post(LOGOUT)
    assert (bearer(one).get(LOCKED).status_code, bearer(other).get(LOCKED).status_code) == (401, 200)


def test_signing_out_ends_cookie_and_bearer_alike(client):
    cookie, other = login(client).cookies[COOKIE].value, str(SessionToken.open(HttpRequest()))
    client.post(LOGOUT, headers={"Authorization": f"Bearer {other}"})
    assert [bearer(token).get(LOCKED).status_code for token in (cookie, other)] == [401, 401]


@pytest.mark.parametrize("token", ["nonsense", ""])
def test_signing_out_without_a_session_is_no_error(token):
    assert bearer(token).post(LOGOUT).json() == {"authenticated": False}


def test_signing_out_twice_is_no_error():
    token = str(SessionToken.open(HttpRequest()))
    assert [bearer(token).post(LOGOUT).status_code for _ in range(2)] == [200, 200]


def test_a_session_ends_in_time():
    token = SessionToken.open(HttpRequest())
    token.set_exp(from_time=timezone.now() - timedelta(hours=3), lifetime=timedelta(hours=2))
    assert bearer(token).get(LOCKED).status_code == 401


def test_tokens_of_others_are_none(settings):
    claims = SessionToken.open(HttpRequest()).payload
    key = settings.SIMPLE_JWT["SIGNING_KEY"]
    forged = [
        jwt.encode(claims, key + "x", "HS256"),  # as after a change of the password
        jwt.encode(claims, None, "none"),
        jwt.encode({**claims, "token_type": "access"}, key, "HS256"),
        jwt.encode({k: v for k, v in claims.items() if k != "exp"}, key, "HS256"),
    ]
    assert bearer(jwt.encode(claims, key, "HS256")).get(LOCKED).status_code == 200
    assert [bearer(token).get(LOCKED).status_code for token in forged] == [401] * 4


def test_too_many_tries_from_one_address(client, set_clock):
    set_clock(NOON + timedelta(seconds=18))
    for _ in range(throttle.TRIES_PER_ADDRESS):
        assert login(client, "wrong").status_code == 401
    reply = login(client)
    assert (reply.status_code, reply["Retry-After"]) == (429, "42")
    assert login(client, REMOTE_ADDR="203.0.113.9").status_code == 200
    set_clock(NOON + timedelta(seconds=60))
    assert login(client).status_code == 200


def test_too_many_tries_from_everywhere(client, set_clock):
    set_clock(NOON)
    for i in range(throttle.TRIES_OF_ALL):
        assert login(client, "wrong", REMOTE_ADDR=f"203.0.113.{i}").status_code == 401
    assert login(client, REMOTE_ADDR="203.0.113.200").status_code == 429


def test_one_address_cannot_use_up_the_tries_of_all(client, set_clock):
    set_clock(NOON)
    for _ in range(throttle.TRIES_OF_ALL + 1):
        login(client, "wrong", REMOTE_ADDR="203.0.113.1")
    assert login(client, REMOTE_ADDR="203.0.113.2").status_code == 200


def test_the_right_password_forgets_the_wrong_ones(client, set_clock):
    set_clock(NOON)
    for _ in range(3):
        for _ in range(throttle.TRIES_PER_ADDRESS - 1):
            login(client, "wrong")
        assert login(client).status_code == 200


def test_with_the_door_open_nothing_is_asked(settings):
    settings.AUTH_ENABLED = False
    client = bearer("stale")
    assert client.get(SESSION).json() == {"authenticated": True, "auth_required": False}
    reply = login(client, "anything")
    assert (reply.json(), COOKIE in reply.cookies) == ({"authenticated": True, "auth_required": False}, False)
    assert client.get(LOCKED).status_code == 200
    assert client.post(LOGOUT).json() == {"authenticated": False}
