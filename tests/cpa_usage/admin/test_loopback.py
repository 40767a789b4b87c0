"""Without AUTH_ENABLED a browser on this machine is in the admin, and nothing that a proxy may have passed on."""

import re
import socket
import subprocess
import sys
from http.client import HTTPResponse
from ipaddress import ip_network
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from tests import PROJECT
from tests.served import address_of, environment

ADMIN, ADD = "/usage/admin/", "/usage/admin/cpa_usage/apitoken/add/"
HERE = {"Host": "127.0.0.1:8318", "User-Agent": "Firefox", "Accept": "*/*", "Connection": "keep-alive"}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Of a server that trusts the proxy of this machine and takes any Host."""
    env = environment(tmp_path_factory.mktemp("loopback"), "/usage")
    env |= {"TRUSTED_PROXIES": "127.0.0.0/8,::1", "APP_HOST": "0.0.0.0"}
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"]
    subprocess.run(migrate, cwd=PROJECT, env=env, check=True)
    command = [sys.executable, "-m", "gunicorn", "--config=python:cpa_usage.gunicorn", "--bind=127.0.0.1:0"]
    server = subprocess.Popen([*command, "cpa_usage.wsgi"], cwd=PROJECT, env=env, stderr=subprocess.PIPE, text=True)
    try:
        yield urlsplit(address_of(server)).port
    finally:
        server.terminate()
        server.communicate(timeout=20)


@pytest.fixture
def ask(port):
    """Send a request as it is written; (status, header fields and text of the reply)."""

    def send(line, headers, body=""):
        pairs = headers.items() if isinstance(headers, dict) else headers
        head = "".join(f"{name}: {value}\r\n" for name, value in pairs)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as sock, HTTPResponse(sock) as reply:
            sock.sendall(f"{line}\r\n{head}\r\n{body}".encode())
            reply.begin()
            return reply.status, f"{reply.headers}{reply.read().decode()}"

    return send


def is_in(reply):
    status, text = reply
    assert status in (200, 302, 400), text
    assert status != 302 or "Location: /usage/admin/login/?next=" in text
    return status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Host": "LOCALHOST:1"},
        {"Host": "127.0.0.1"},
        {"Host": "127.8.9.10:8318"},
        {"Host": "[::1]:8318"},
        {"Sec-Fetch-Site": "none", "Accept-Language": "en", "Accept-Encoding": "br", "Upgrade-Insecure-Requests": "1"},
        {"Sec-CH-UA": '"Chromium"', "If-None-Match": '"x"', "HX-Boosted": "true", "Referer": "http://127.0.0.1/usage/"},
    ],
)
def test_a_browser_on_this_machine_is_in(ask, headers):
    status, page = ask(f"GET {ADMIN} HTTP/1.1", HERE | headers)
    assert status == 200
    assert "owner" in page


@pytest.mark.parametrize(
    "name",
    [
        *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via", "X-Client-IP"),
        *("CF-Connecting-IP", "True-Client-IP", "X-Cluster-Client-IP", "Fly-Client-IP", "X-ProxyUser-Ip", "Client-IP"),
        *("X-Request-ID", "X-Amzn-Trace-Id", "Traceparent", "CDN-Loop", "x-forwarded-for", "Authorization", "Proxy"),
    ],
)
@pytest.mark.parametrize("value", ["127.0.0.1", ""])
def test_whatever_a_proxy_adds_keeps_its_visitors_out(ask, name, value):
    assert not is_in(ask(f"GET {ADMIN} HTTP/1.1", HERE | {name: value}))


@pytest.mark.parametrize(
    "host",
    [
        *(
            "usage.example.org",
            "usage.example.org:8318",
            "10.0.0.7:8318",
            "0.0.0.0",
            "[::ffff:127.0.0.1]",
            "localhost.",
        ),
        *("127.0.0.1.example.org", "localhost.example.org", "evil@127.0.0.1", "127.0.0.1@evil", "127.0.0.1,evil", ""),
        *("127.0.0.1:8318:8318", "127.1", "2130706433", "localhost#", "localhost/", "::1", "[::1].evil", "１27.0.0.1"),
    ],
)
def test_a_name_that_leads_here_is_not_this_machine(ask, host):
    assert not is_in(ask(f"GET {ADMIN} HTTP/1.1", HERE | {"Host": host}))


@pytest.mark.parametrize(
    "hosts", [("127.0.0.1", "evil.example"), ("evil.example", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ()]
)
def test_other_than_one_host_is_none(ask, hosts):
    headers = [("Host", host) for host in hosts] + [("Connection", "keep-alive")]
    assert not is_in(ask(f"GET {ADMIN} HTTP/1.1", headers))


@pytest.mark.parametrize(
    "line",
    [
        f"GET http://evil.example{ADMIN} HTTP/1.1",
        f"GET http://127.0.0.1{ADMIN} HTTP/1.1",
        f"GET {ADMIN} HTTP/1.0",
    ],
)
def test_what_only_proxies_ask_keeps_out(ask, line):
    assert not is_in(ask(line, HERE))


def sent(**fields):
    body = urlencode(fields)
    return {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}, body


def form(ask):
    """(cookie, hidden token) of the form for a token."""
    _, page = ask(f"GET {ADD} HTTP/1.1", HERE)
    cookie = re.search(r"Set-Cookie: (csrftoken=\w+)", page)[1]
    return cookie, re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]


def test_a_form_of_the_admin_is_accepted_from_its_own_page_alone(ask):
    cookie, token = form(ask)
    own = {"Cookie": cookie, "Origin": "http://127.0.0.1:8318"}
    headers, body = sent(csrfmiddlewaretoken=token, name="script", scope="read")
    for strange in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert ask(f"POST {ADD} HTTP/1.1", HERE | headers | own | strange, body)[0] == 403
    bare, without = sent(name="script", scope="read")
    assert ask(f"POST {ADD} HTTP/1.1", HERE | bare | own, without)[0] == 403
    assert not is_in(ask(f"POST {ADD} HTTP/1.1", HERE | headers | own | {"X-Real-IP": "127.0.0.1"}, body))
    status, reply = ask(f"POST {ADD} HTTP/1.1", HERE | headers | own, body)
    assert (status, "Location: /usage/admin/cpa_usage/apitoken/" in reply) == (302, True)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"X-Forwarded-For": "203.0.113.9"}, "browsers send no X-Forwarded-For."),
        ({"Host": "usage.example.org"}, "This visit is to another host than localhost or 127.0.0.1."),
    ],
)
def test_the_form_says_why_and_which_command_makes_an_account(ask, changed, reason):
    status, page = ask(f"GET {ADMIN}login/ HTTP/1.1", HERE | changed)
    assert status == 200
    assert reason in page and "<code>manage.py createsuperuser</code>" in page


def test_the_footer_leads_there(ask):
    page = ask("GET /usage/ HTTP/1.1", HERE)[1]
    assert '<a href="/usage/admin/" hx-boost="false">' in page  # a page of its own, with styles and a policy of its own
    assert ask(f"GET {ADMIN}login/?next={ADD} HTTP/1.1", HERE)[0] == 302


def visit(settings, peer, proxies=(), **headers):
    settings.TRUSTED_PROXIES = [ip_network(each) for each in proxies]
    client = Client(REMOTE_ADDR=peer, headers={"Host": "127.0.0.1", "Connection": "keep-alive", **headers})
    return client.get("/admin/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("proxies", [(), ("127.0.0.1", "::1")])
def test_loopback_is_the_address_of_the_socket(settings, peer, proxies):
    assert visit(settings, peer, proxies)


@pytest.mark.django_db
@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.1", "::ffff:10.0.0.1", "0.0.0.0", "::", "", "127.0.0.1.", "x"])
def test_another_address_is_not(settings, peer):
    assert not visit(settings, peer)
    assert not visit(settings, peer, ["0.0.0.0/0", "::/0"], **{"X-Forwarded-For": "127.0.0.1"})


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto"])
@pytest.mark.parametrize("proxies", [(), ("10.0.0.1",), ("127.0.0.1",)])
def test_what_is_dropped_of_a_request_counts_as_well(settings, header, proxies):
    assert not visit(settings, "127.0.0.1", proxies, **{header: "127.0.0.1"})


@pytest.mark.django_db
def test_with_a_password_this_machine_is_asked_for_it_too(settings):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "correct horse"
    assert not visit(settings, "127.0.0.1")
    page = Client(headers={"Host": "127.0.0.1"}).get("/admin/login/")
    assert page.status_code == 200 and b"createsuperuser" not in page.content


@pytest.mark.django_db
def test_the_owner_changes_under_a_name_and_leaves_nothing_behind(settings):
    client = Client(REMOTE_ADDR="127.0.0.1", headers={"Host": "127.0.0.1", "Connection": "keep-alive"})
    client.post("/admin/cpa_usage/apitoken/add/", {"name": "script", "scope": "read"})
    assert [(entry.user.username, entry.object_repr) for entry in LogEntry.objects.all()] == [("owner", "script")]
    owner = User.objects.get()
    assert (owner.is_active, owner.is_superuser, owner.has_usable_password()) == (False, False, False)
    assert not {"sessionid", "cpa_usage_session"} & set(client.cookies)


@pytest.mark.django_db
def test_an_account_opens_the_admin_from_elsewhere(settings):
    User.objects.create_superuser("root", password="hers")
    client = Client(REMOTE_ADDR="203.0.113.9", headers={"Host": "127.0.0.1"})
    client.post("/admin/login/", {"username": "root", "password": "hers"})
    assert client.get("/admin/").status_code == 200
