"""Tokens for programs on the System page: made, shown once, revoked, by the owner alone."""

import re

import pytest
from django.test import Client

from cpa_usage.models import ApiToken

pytestmark = pytest.mark.django_db
SYSTEM, MAKE = "/system/", "/system/tokens/"
WANTED = {"name": "status <bar>", "scope": "read", "days": "7"}
REVOKE = re.compile(r'action="/usage(/system/tokens/\d+/revoke/)')


def test_a_token_is_made_shown_once_and_revoked(owner):
    page = owner.post(MAKE, WANTED, follow=True).content.decode()
    raw = re.search(r"cpau_[\w-]{43}", page)[0]
    reader = Client(headers={"Authorization": f"Bearer {raw}"})
    assert reader.get("/api/v1/status").status_code == 200
    page = owner.get(SYSTEM).content.decode()
    assert raw not in page and raw[:9] in page and "status &lt;bar&gt;" in page
    owner.post(REVOKE.search(page)[1])
    assert reader.get("/api/v1/status").status_code == 401
    assert "revoked" in owner.get(SYSTEM).content.decode()


@pytest.mark.parametrize("wrong", [{"name": ""}, {"scope": "write"}, {"days": "-1"}, {"days": "x"}])
def test_what_cannot_be_understood_is_named(owner, wrong):
    (field,) = wrong
    page = owner.post(MAKE, WANTED | wrong, follow=True).content.decode()
    assert f"{field}: " in page
    assert not ApiToken.objects.exists()


def test_only_the_owner_makes_or_revokes_them(owner):
    made = ApiToken(name="script", scope=ApiToken.Scope.ALL)
    for stranger in (Client(), Client(headers={"Authorization": f"Bearer {made.issue()}"})):
        for address in (MAKE, f"{MAKE}{made.pk}/revoke/"):
            assert stranger.post(address, WANTED)["Location"].startswith("/usage/login/")
    assert ApiToken.objects.get().state == "active"


def test_without_a_login_only_a_browser_on_this_machine_makes_them(db):
    browser = {"HTTP_HOST": "127.0.0.1:8318", "HTTP_CONNECTION": "keep-alive", "SERVER_PROTOCOL": "HTTP/1.1"}
    here, elsewhere = Client(**browser), Client(**browser, REMOTE_ADDR="203.0.113.9")
    assert "this machine alone" in elsewhere.post(MAKE, WANTED, follow=True).content.decode()
    assert 'id="tokens"' not in elsewhere.get(SYSTEM).content.decode()
    assert not ApiToken.objects.exists()
    assert "shown this once" in here.post(MAKE, WANTED, follow=True).content.decode()
