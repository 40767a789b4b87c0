"""The open sessions, and the end of it."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cpa_usage.auth.sessions import COOKIE, SessionToken
from cpa_usage.models import ApiToken, Session

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.cpa_usage.signin_urls")]
PASSWORD = "correct horse Größe"
LOGIN, LOGOUT, SESSIONS, LOCKED = "/api/v1/auth/login", "/api/v1/auth/logout", "/api/v1/auth/sessions", "/api/v1/rows"


@pytest.fixture(autouse=True)
def locked(settings):
    settings.AUTH_ENABLED = True
    settings.LOGIN_PASSWORD = PASSWORD
    settings.AUTH_SESSION_TTL = timedelta(hours=2)


def signed_in(address="203.0.113.9", agent="Firefox"):
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    client.post(LOGIN, {"password": PASSWORD}, content_type="application/json")
    return client


def listed(client):
    reply = client.get(SESSIONS)
    assert reply.status_code == 200
    return reply.json()["items"]


def test_open_sessions_are_listed_newest_first_and_ones_own_is_marked():
    first, second = signed_in("203.0.113.9", "Firefox"), signed_in("2001:db8::7", "curl/8")
    rows = listed(first)
    assert [{**row, "id": 0, "opened_at": "", "expires_at": ""} for row in rows] == [
        {"id": 0, "opened_at": "", "expires_at": "", "address": address, "user_agent": agent, "current": current}
        for address, agent, current in (("2001:db8::7", "curl/8", False), ("203.0.113.9", "Firefox", True))
    ]
    for row in rows:
        opened, expires = (datetime.fromisoformat(row[name]) for name in ("opened_at", "expires_at"))
        assert timedelta(0) <= timezone.now() - opened < timedelta(minutes=1)
        assert abs(expires - opened - timedelta(hours=2)) < timedelta(seconds=1)
    assert [row["current"] for row in listed(second)] == [True, False]


def test_no_row_holds_a_token():
    client = signed_in()
    token = client.cookies[COOKIE].value
    (row,) = Session.objects.values()
    assert not any(str(value) in token and len(str(value)) > 40 for value in row.values())
    assert token not in str(row)


def test_a_session_is_ended_from_another():
    mine, other = signed_in(), signed_in()
    (theirs,) = (row["id"] for row in listed(mine) if not row["current"])
    reply = mine.delete(f"{SESSIONS}/{theirs}")
    assert (reply.status_code, reply.json()) == (200, {"ok": True})
    assert (other.get(LOCKED).status_code, mine.get(LOCKED).status_code) == (401, 200)
    assert [row["current"] for row in listed(mine)] == [True]


def test_ending_ones_own_session_is_signing_out():
    mine = signed_in()
    (row,) = listed(mine)
    assert mine.delete(f"{SESSIONS}/{row['id']}").status_code == 200
    assert mine.get(LOCKED).status_code == 401


def test_signing_out_takes_the_session_off_the_list():
    mine, other = signed_in(), signed_in()
    mine.post(LOGOUT)
    assert [row["current"] for row in listed(other)] == [True]


def test_a_session_there_is_not():
    reply = signed_in().delete(f"{SESSIONS}/987654")
    assert (reply.status_code, reply.json()) == (404, {"error": "There is no such session."})


def test_sessions_that_are_over_are_not_listed(settings):
    signed_in()
    Session.objects.update(expires_at=timezone.now())
    mine = signed_in()
    assert len(listed(mine)) == 1
    settings.LOGIN_PASSWORD = "another"
    assert not Session.current().exists()


def test_strangers_and_programs_learn_nothing():
    assert Client().get(SESSIONS).status_code == 401
    signed_in()
    token = ApiToken(name="script", scope=ApiToken.Scope.ALL).issue()
    program = Client(headers={"Authorization": f"Bearer {token}"})
    assert program.get(SESSIONS).status_code == 403
    assert program.delete(f"{SESSIONS}/{Session.objects.get().jti}").status_code == 403
    assert Session.objects.count() == 1


def test_with_the_door_open_there_are_none(settings, client):
    signed_in()
    settings.AUTH_ENABLED = False
    assert [row["current"] for row in client.get(SESSIONS).json()["items"]] == [False]


def test_a_signed_token_without_a_row_opens_nothing():
    assert Client(headers={"Authorization": f"Bearer {SessionToken()}"}).get(LOCKED).status_code == 401


def test_another_password_ends_every_session(settings):
    mine = signed_in()
    settings.LOGIN_PASSWORD = "another"
    assert mine.get(LOCKED).status_code == 401
