"""Who may read <base>/metrics: a token with its scope, or Prometheus on this machine; never who came by a proxy."""

from ipaddress import ip_network

import pytest
from django.test import Client

from cpa_usage.models import ApiToken

pytestmark = pytest.mark.django_db
HERE = {"Host": "127.0.0.1:8318", "X-Prometheus-Scrape-Timeout-Seconds": "10", "Accept-Encoding": "gzip"}


@pytest.fixture(params=[True, False], ids=["login", "no login"], autouse=True)
def login(request, settings):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = request.param, "correct horse"


def ask(headers=HERE, protocol="HTTP/1.1", **meta):
    return Client(headers=headers, SERVER_PROTOCOL=protocol, **meta).get("/metrics")


def bearer(scope):
    return {**HERE, "Host": "usage.example.com", "Authorization": f"Bearer {ApiToken(name='p', scope=scope).issue()}"}


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_prometheus_on_this_machine_needs_no_token(address):
    assert ask(REMOTE_ADDR=address).status_code == 200
    assert ask(HERE | {"Host": "localhost:8318", "Connection": "keep-alive"}, REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize(
    ("change", "meta"),
    [
        ({}, {"REMOTE_ADDR": "203.0.113.9"}),
        ({"X-Forwarded-For": "127.0.0.1"}, {}),
        ({"X-Forwarded-For": "203.0.113.9"}, {}),
        ({"X-Real-Ip": "203.0.113.9"}, {}),
        ({"Forwarded": "for=127.0.0.1"}, {}),
        ({"Via": "1.1 proxy"}, {}),
        ({"Connection": "close"}, {}),
        ({}, {"protocol": "HTTP/1.0"}),
        ({"Host": "usage.example.com"}, {}),
    ],
)
def test_who_may_have_come_from_elsewhere_needs_one(change, meta, settings):
    for trusted in ((), ("127.0.0.0/8",)):
        settings.TRUSTED_PROXIES = list(map(ip_network, trusted))
        reply = ask(HERE | change, **meta)
        assert (reply.status_code, reply["WWW-Authenticate"]) == (401, 'Bearer realm="cpa-usage"')
        assert reply.json()["error"].startswith("Send an API token with the scope metrics: This visit")


def test_a_session_is_no_token(client):
    client.post("/api/v1/auth/login", {"password": "correct horse"}, content_type="application/json")
    assert client.get("/metrics", headers={"Via": "1.1 proxy"}).status_code == 401


@pytest.mark.parametrize(("scope", "status"), [("metrics", 200), ("all", 200), ("read", 403)])
def test_a_token_needs_the_scope(scope, status):
    headers = bearer(scope)
    assert ask(headers, REMOTE_ADDR="203.0.113.9").status_code == status


def test_a_token_that_does_not_hold_is_refused_here_too():
    headers = bearer("metrics")
    ApiToken.objects.get().revoke()
    reply = ask(headers | {"Host": "127.0.0.1"})
    assert (reply.status_code, reply.json()["error"]) == (401, "This API token is revoked: make another one.")
    guess = headers | {"Authorization": "Bearer cpau_" + "x" * 43}
    replies = [ask(guess, REMOTE_ADDR="203.0.113.9") for _ in range(30)]
    assert {reply.status_code for reply in replies} == {401, 429}
