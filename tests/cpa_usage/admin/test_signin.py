"""One sign-in: LOGIN_PASSWORD opens dashboard and admin alike, and leaving one leaves both."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client

from cpa_usage.auth.sessions import COOKIE, SessionToken
from cpa_usage.models import Session

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
def test_the_password_opens_the_admin_and_the_dashboard(client, settings, username):
    assert sign_in(client, username=username).status_code == 302
    assert is_in(client) and reads(client)
    owner = User.objects.get()
    assert (owner.username, owner.is_active, owner.is_staff, owner.is_superuser) == ("owner", False, False, False)
    assert not owner.has_usable_password() and PASSWORD not in owner.password
    assert settings.SESSION_COOKIE_NAME not in client.cookies  # one session, not two


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
    assert is_in(client) and reads(client)
    settings.LOGIN_PASSWORD = "another"
    assert not is_in(client) and not reads(client)


def test_without_auth_a_session_opens_no_admin_and_a_superuser_signs_in(client, settings):
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


def test_a_session_of_the_dashboard_opens_the_admin(client):
    client.cookies[COOKIE] = str(SessionToken.open(HttpRequest()))
    assert is_in(client)
    assert client.get(LOGIN)["Location"] == "/usage/admin/"


def test_a_session_that_is_ended_on_the_server_ends_in_the_admin_too(client):
    sign_in(client)
    Session.objects.get().delete()
    assert not is_in(client) and not reads(client)


def test_a_change_is_logged_under_the_owners_name(client):
    sign_in(client)
    client.post("/admin/cpa_usage/apitoken/add/", {"name": "script", "scope": "read"})
    assert [(entry.user.username, entry.object_repr) for entry in LogEntry.objects.all()] == [("owner", "script")]


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("/usage/admin/pricing/model/", "/usage/admin/pricing/model/"),
        ("https://evil.example/", "/usage/admin/"),
        ("//evil.example/", "/usage/admin/"),
        ("javascript:alert(1)", "/usage/admin/"),
    ],
)
def test_signing_in_leads_on_to_pages_of_ours_alone(client, wanted, leads):
    assert sign_in(client, path=f"{LOGIN}?next={wanted}")["Location"] == leads


def test_the_form_is_refused_without_its_csrf_token():
    client = Client(enforce_csrf_checks=True)
    assert sign_in(client).status_code == 403
    assert COOKIE not in client.cookies


def test_a_bearer_token_alone_opens_no_admin(client):
    assert client.get(LOGIN, headers={"Authorization": f"Bearer {SessionToken.open(HttpRequest())}"}).status_code == 200
    assert not is_in(client)


def test_a_stale_cookie_opens_no_admin(client):
    client.cookies[COOKIE] = str(SessionToken.open(HttpRequest()))
    Session.objects.all().delete()
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


def test_a_superuser_named_owner_keeps_a_password_for_the_time_without_auth(client, settings):
    User.objects.create_superuser("owner", password="own")
    sign_in(client, "own")
    assert not is_in(client)
    sign_in(client)
    assert is_in(client)
    settings.AUTH_ENABLED = False
    assert not is_in(client)
    sign_in(client, "own")
    assert is_in(client)
