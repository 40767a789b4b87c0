"""X-Forwarded-* is believed from trusted proxies only."""

from ipaddress import ip_network

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from cpa_usage.http.proxies import trust_proxies


@pytest.fixture
def seen(settings):
    """(address, whether TLS) that a view sees of a request."""
    settings.TRUSTED_PROXIES = [ip_network(each) for each in ("127.0.0.1", "10.0.0.0/8", "fd00::/8")]

    def ask(peer, **headers):
        request = RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)
        trust_proxies(lambda _: HttpResponse())(request)
        return request.META["REMOTE_ADDR"], request.is_secure()

    return ask


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),  # the client made the first one up
        ("127.0.0.1", "6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("::ffff:127.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("fd00::1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "nonsense, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9:4711", "127.0.0.1"),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_address_of_the_client(seen, peer, forwarded, address):
    assert seen(peer, **{"X-Forwarded-For": forwarded}) == (address, False)


@pytest.mark.parametrize(
    ("peer", "scheme", "secure"),
    [
        ("127.0.0.1", "https", True),
        ("127.0.0.1", "http", False),
        ("198.51.100.1", "https", False),
        ("127.0.0.2", "https", False),
    ],
)
def test_whether_the_client_speaks_tls(seen, peer, scheme, secure):
    assert seen(peer, **{"X-Forwarded-Proto": scheme}) == (peer, secure)


def test_nobody_is_trusted_by_default(seen, settings):
    settings.TRUSTED_PROXIES = []
    forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    assert seen("127.0.0.1", **forwarded) == ("127.0.0.1", False)
