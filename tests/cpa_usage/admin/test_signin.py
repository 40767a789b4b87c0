"""One sign-in: LOGIN_PASSWORD opens dashboard and admin alike, and leaving one leaves both."""

import pytest
from django.contrib.auth.models import User

from cpa_usage.auth.sessions import COOKIE, SessionToken

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
ADMIN, LOGIN, LOGOUT = "/admin/", "/admin/login/", "/admin/logout/"


@pytest.fixture(autouse=True)
def locked(settings):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, PASSWORD


def sign_in(client, password=PASSWORD, username="owner", path=LOGIN):
    return client.post(path, {"username": username, "password": password})


def is_in(client):
    return client.get(ADMIN).status_code == 200


def reads(client):
    return client.get("/api/v1/pricing").status_code == 200


@pytest.mark.parametrize("username", ["owner", ""])
def test_the_password_opens_the_admin_and_the_dashboard(client, username):
    assert sign_in(client, username=username).status_code == 302
    assert is_in(client) and reads(client)
    owner = User.objects.get()
    assert (owner.username, owner.is_staff, owner.is_superuser) == ("owner", True, True)
    assert not owner.has_usable_password() and PASSWORD not in owner.password


@pytest.mark.parametrize(
    ("username", "password"),
    [("owner", "wrong"), ("owner", ""), ("", "wrong"), ("root", PASSWORD), ("Owner", PASSWORD), ("owner", "é" * 999)],
)
def test_nothing_else_does(client, username, password):
    assert sign_in(client, password, username).status_code == 200
    assert not is_in(client) and not reads(client)
    assert COOKIE not in client.cookies


def test_an_empty_password_opens_nothing_while_none_is_set(client, settings):
    settings.LOGIN_PASSWORD = ""
    sign_in(client, "")
    assert not is_in(client)


def test_tries_are_counted_with_those_of_the_dashboard(client):
    for _ in range(10):
        sign_in(client, "wrong")
    assert sign_in(client).status_code == 200
    assert not is_in(client)
    assert client.post("/api/v1/auth/login", {"password": PASSWORD}, "application/json").status_code == 429


def test_a_changed_password_ends_the_sessions_of_the_old_one(client, settings):
    sign_in(client)
    assert is_in(client)
    client.cookies.pop(COOKIE)
    settings.LOGIN_PASSWORD = "another"
    assert not is_in(client)


def test_a_door_left_open_ends_the_owners_sessions_and_still_asks_for_a_superuser(client, settings):
    sign_in(client)
    settings.AUTH_ENABLED = False
    assert not is_in(client)
    sign_in(client)
    assert not is_in(client)
    User.objects.create_superuser("root", password="hers")
    sign_in(client, "hers", "root")
    assert is_in(client)


def test_ordinary_superusers_come_in_by_their_own_password(client):
    User.objects.create_superuser("root", password="hers")
    assert sign_in(client, "hers", "root").status_code == 302
    assert is_in(client)
    assert COOKIE not in client.cookies and not reads(client)


def test_the_tries_of_superusers_are_counted_too(client):
    User.objects.create_superuser("root", password="hers")
    for _ in range(10):
        sign_in(client, "wrong", "root")
    sign_in(client, "hers", "root")
    assert not is_in(client)


def test_who_is_signed_in_to_the_dashboard_comes_into_the_admin(client):
    client.cookies[COOKIE] = str(SessionToken())
    reply = client.get(ADMIN)
    assert reply["Location"] == "/usage/admin/login/?next=/usage/admin/"
    reply = client.get("/admin/login/?next=/admin/pricing/model/")
    assert (reply.status_code, reply["Location"]) == (302, "/admin/pricing/model/")
    assert is_in(client)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_way_in_never_leads_elsewhere(client, elsewhere):
    client.cookies[COOKIE] = str(SessionToken())
    assert client.get(LOGIN, {"next": elsewhere})["Location"] == "/usage/admin/"


def test_a_bearer_token_alone_opens_no_admin(client):
    assert client.get(LOGIN, headers={"Authorization": f"Bearer {SessionToken()}"}).status_code == 200
    assert not is_in(client)


def test_a_stale_cookie_opens_no_admin(client):
    token = SessionToken()
    token.blacklist()
    client.cookies[COOKIE] = str(token)
    assert client.get(LOGIN).status_code == 200
    assert not is_in(client)


@pytest.mark.parametrize("path", [LOGOUT, "/api/v1/auth/logout", "/logout/"])
def test_leaving_one_leaves_both(client, path):
    sign_in(client)
    token = client.cookies[COOKIE].value
    client.post(path)
    assert not is_in(client) and not reads(client)
    client.cookies[COOKIE] = token
    assert not reads(client)


def test_an_owner_who_was_made_before_is_staff_again(client):
    User.objects.create_user("owner", password="own", is_active=False)
    sign_in(client)
    assert is_in(client)
