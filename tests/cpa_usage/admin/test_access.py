"""Tokens in the admin: made, shown once, revoked."""

import re
from hashlib import sha256

import pytest
from django.test import Client

from cpa_usage.models import ApiToken

pytestmark = pytest.mark.django_db
TOKENS = "/admin/cpa_usage/apitoken/"
LOCKED = "/api/v1/pricing"


@pytest.fixture(autouse=True)
def locked(settings):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "correct horse"


def made(admin_client, scope="read"):
    page = admin_client.post(f"{TOKENS}add/", {"name": "status bar", "scope": scope}, follow=True).content.decode()
    return page, re.search(r"cpau_[\w-]{43}", page)[0]


def test_a_token_is_shown_once_and_works(admin_client):
    _, token = made(admin_client)
    row = ApiToken.objects.get()
    assert (row.name, row.scope, row.digest) == ("status bar", "read", sha256(token.encode()).hexdigest())
    assert Client(headers={"Authorization": f"Bearer {token}"}).get(LOCKED).status_code == 200
    for path in (TOKENS, f"{TOKENS}{row.pk}/change/", f"{TOKENS}{row.pk}/history/"):
        assert token not in admin_client.get(path).content.decode()


def test_a_token_keeps_what_it_may_do(admin_client):
    made(admin_client)
    row = ApiToken.objects.get()
    admin_client.post(f"{TOKENS}{row.pk}/change/", {"name": "another", "scope": "all", "digest": "x"})
    changed = ApiToken.objects.get()
    assert (changed.name, changed.scope, changed.digest) == ("another", "read", row.digest)


def test_a_revoked_token_opens_nothing(admin_client):
    _, token = made(admin_client)
    row = ApiToken.objects.get()
    admin_client.post(TOKENS, {"action": "revoke", "_selected_action": [row.pk]})
    assert Client(headers={"Authorization": f"Bearer {token}"}).get(LOCKED).status_code == 401
    assert "revoked" in admin_client.get(TOKENS).content.decode()


@pytest.mark.parametrize("path", [TOKENS, f"{TOKENS}add/"])
def test_strangers_are_sent_to_sign_in(client, path):
    assert client.get(path)["Location"] == f"/usage/admin/login/?next=/usage{path}"
