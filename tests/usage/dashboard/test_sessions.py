"""The open sessions on the System page: listed, the present one marked, and ended."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from cpa_usage.auth.sessions import COOKIE, SessionToken
from cpa_usage.models import ApiToken, Session, password_id

pytestmark = pytest.mark.django_db
SYSTEM, TO_LOGIN = "/system/", "/usage/login/?next=%2Fusage%2Fsystem%2F"
ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
END = re.compile(r'action="/usage(/system/sessions/[^"]+)"')


@pytest.fixture(autouse=True)
def locked(settings):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "correct horse"


def signed_in(agent, address="203.0.113.9"):
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    client.post("/login/", {"password": "correct horse"})
    return client


def rows(client, address=SYSTEM):
    page = unescape(client.get(address).content.decode())
    part = page.partition('id="sessions"')[2].partition("</section>")[0]
    return ROW.findall(part.partition("<tbody>")[2])


def test_they_are_listed_newest_first_and_ones_own_is_marked():
    first = signed_in("Firefox")
    signed_in("<b>curl</b>", "2001:db8::7")
    newer, older = rows(first)
    assert "<b>curl" not in first.get(SYSTEM).content.decode()
    assert "2001:db8::7" in newer and "<b>curl</b>" in newer and "this session" not in newer
    assert "203.0.113.9" in older and "Firefox" in older and "this session" in older


def test_one_that_is_ended_elsewhere_is_sent_to_the_login():
    mine, other = signed_in("Firefox"), signed_in("Safari")
    theirs, _ = rows(mine)
    assert mine.post(END.search(theirs)[1])["Location"] == "/usage/system/?range=7d"
    assert "Session ended." in mine.get(SYSTEM).content.decode()
    assert len(rows(mine)) == 1
    assert other.get(SYSTEM)["Location"] == TO_LOGIN
    assert other.get("/api/v1/status").status_code == 401


def test_ending_ones_own_leads_to_the_login():
    mine = signed_in("Firefox")
    (row,) = rows(mine)
    mine.post(END.search(row)[1])
    assert mine.get(SYSTEM)["Location"] == TO_LOGIN
    assert not Session.objects.exists()


def test_a_session_that_is_over_already_is_no_error():
    mine = signed_in("Firefox")
    assert mine.post("/system/sessions/987654/")["Location"].startswith("/usage/system/")
    assert len(rows(mine)) == 1


def test_only_a_session_may_end_one():
    mine = signed_in("Firefox")
    address = END.search(rows(mine)[0])[1]
    token = ApiToken(name="script", scope=ApiToken.Scope.ALL).issue()
    for stranger in (Client(), Client(headers={"Authorization": f"Bearer {token}"})):
        assert stranger.post(address)["Location"].startswith("/usage/login/")
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = mine.cookies
    assert careful.post(address).status_code == 403
    assert mine.post(address, headers={"Origin": "http://evil.example"}).status_code == 403
    assert mine.get(address).status_code == 405
    assert Session.objects.count() == 1


def test_many_come_in_pages_of_fifty():
    mine, now = signed_in("Firefox"), timezone.now()
    Session.objects.bulk_create(
        Session(
            jti=f"{number:032}",
            password_id=password_id(),
            opened_at=now - timedelta(minutes=number),
            expires_at=now + timedelta(hours=1),
            address="192.0.2.1",
            user_agent="x" * 255,
        )
        for number in range(1, 120)
    )
    assert [len(rows(mine, f"{SYSTEM}?page={page}")) for page in (1, 2, 3)] == [50, 50, 20]
    page = mine.get(f"{SYSTEM}?page=2").content.decode()
    assert "51–100 of 120" in page and 'type="search"' not in page
    address = END.search(rows(mine, f"{SYSTEM}?page=2")[0])[1]
    assert mine.post(address)["Location"] == "/usage/system/?page=2&range=7d"
    assert mine.get(f"{SYSTEM}?page=none").status_code == 400


def test_without_a_password_there_are_none(settings, client):
    signed_in("Firefox")
    settings.AUTH_ENABLED = False
    assert 'id="sessions"' not in client.get(SYSTEM).content.decode()


def test_a_bearer_tokens_session_is_the_present_one_too():
    token = SessionToken.open(HttpRequest())
    client = Client()
    client.cookies[COOKIE] = str(token)
    assert "this session" in rows(client)[0]
