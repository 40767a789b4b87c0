"""Five failed logins ban an address: counted over RESP and HTTP together, the right key included."""

import httpx
import pytest

from simulator.bans import Bans, Refused, go_duration

BANNED = "IP banned due to too many failed attempts. Try again in "


@pytest.fixture
def http(cpa):
    """A function: management key -> (status, error text)."""

    def asked(key, path="/v0/management/debug"):
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        reply = httpx.get(cpa.base_url + path, headers=headers)
        return reply.status_code, reply.json().get("error")

    return asked


def test_five_wrong_keys_and_the_right_one_is_banned_too(cpa, clock, connect, http):
    client = connect(login=False)
    for _ in range(5):
        client.ask(b"AUTH", b"nope")
        client.expect(b"-ERR invalid management key\r\n")
    client.ask(b"AUTH", b"lab-management-key")
    client.expect(b"-ERR " + BANNED.encode() + b"30m0s\r\n")
    clock.move(1)
    client.ask(b"LPOP", b"usage")
    client.expect(b"-ERR " + BANNED.encode() + b"29m59s\r\n")
    assert http("lab-management-key") == (403, BANNED + "29m59s")
    assert http("sk-client-alice-0001", "/v1/models") == (200, None)
    assert cpa.auth_failures == 5


def test_commands_before_auth_count_as_failures(cpa, connect, http):
    client = connect(login=False)
    for word in (b"PING", b"HELLO", b"LPOP", b"SUBSCRIBE", b"nonsense"):
        client.ask(word)
        client.expect(b"-NOAUTH Authentication required.\r\n")
    client.ask(b"AUTH", b"lab-management-key")
    client.expect(b"-ERR " + BANNED.encode() + b"30m0s\r\n")


def test_http_and_resp_are_counted_together(cpa, connect, http):
    assert [http("wrong"), http(None), http("wrong")] == [
        (401, "invalid management key"),
        (401, "missing management key"),
        (401, "invalid management key"),
    ]
    client = connect(login=False)
    client.ask(b"PING")
    client.expect(b"-NOAUTH Authentication required.\r\n")
    client.ask(b"AUTH", b"wrong")
    client.expect(b"-ERR invalid management key\r\n")
    assert http("lab-management-key") == (403, BANNED + "30m0s")


def test_a_good_login_in_between_starts_the_count_anew(cpa, http):
    for _ in range(3):
        assert [http("wrong")[0] for _ in range(4)] == [401] * 4
        assert http("lab-management-key") == (200, None)
    assert cpa.auth_failures == 12


def test_a_ban_ends(cpa, clock, http):
    for _ in range(5):
        http("wrong")
    clock.move(1799)
    assert http("lab-management-key") == (403, BANNED + "1s")
    clock.move(1)
    assert http("lab-management-key") == (200, None)


def test_a_connection_that_was_authenticated_before_the_ban_goes_on(cpa, connect, http):
    client = connect()
    for _ in range(5):
        http("wrong")
    client.ask(b"LPOP", b"usage")
    client.expect(b"$-1\r\n")
    client.ask(b"AUTH", b"lab-management-key")
    client.expect(b"-ERR " + BANNED.encode() + b"30m0s\r\n")


def test_a_restart_forgets_bans(cpa, http):
    for _ in range(5):
        http("wrong")
    cpa.stop()
    cpa.start()
    assert http("lab-management-key") == (200, None)


def test_addresses_are_counted_apart(clock):
    bans = Bans("key", 60, clock)
    for _ in range(5):
        with pytest.raises(Refused, match="invalid management key"):
            bans.check("192.0.2.1", "schlüssel")
    bans.check("192.0.2.2", "key")
    with pytest.raises(Refused, match="1m0s"):
        bans.check("192.0.2.1", "key")


@pytest.mark.parametrize(
    ("seconds", "text"), [(1800, "30m0s"), (1799.4, "29m59s"), (59.5, "1m0s"), (0.2, "0s"), (9, "9s"), (3661, "1h1m1s")]
)
def test_durations_read_as_go_writes_them(seconds, text):
    assert go_duration(seconds) == text
