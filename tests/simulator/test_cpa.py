"""The simulator as an object: restarts, cut connections, its catalogue, and redis-py as the project uses it."""

import httpx
import pytest
import redis

from simulator import Catalog, Simulator
from simulator.accounts import ACCOUNTS
from simulator.labels import labels


@pytest.fixture
def client(cpa):
    with redis.Redis(port=cpa.port, password=cpa.management_key, protocol=2, driver_info=None, retry=None) as client:
        yield client


def test_redis_py_pops(cpa, client):
    cpa.push(b"1", b"2", b"3")
    assert client.lpop("usage") == b"1"
    assert client.lpop("usage", 10) == [b"2", b"3"]
    assert client.lpop("usage", 10) == []
    assert client.lpop("usage") is None


def test_redis_py_with_protocol_3_is_refused(cpa):
    with pytest.raises(redis.AuthenticationError, match=r"Authentication required\."):
        redis.Redis(port=cpa.port, password=cpa.management_key, retry=None).lpop("usage")
    assert cpa.auth_failures == 1


def test_redis_py_hears_of_a_wrong_key(cpa):
    with pytest.raises(redis.ResponseError, match="invalid management key"):
        redis.Redis(port=cpa.port, password="nope", protocol=2, driver_info=None).lpop("usage")


def test_redis_py_subscribes(cpa, client):
    pubsub = client.pubsub()
    pubsub.subscribe("usage")
    assert pubsub.get_message(timeout=2)["type"] == "subscribe"
    assert pubsub.get_message(timeout=2)["data"] == b'{"support_refresh":true}'
    pubsub.ping()
    assert pubsub.get_message(timeout=2)["type"] == "pong"
    cpa.push(b"live")
    assert pubsub.get_message(timeout=2)["data"] == b"live"
    pubsub.close()


def test_a_restart_keeps_the_port_and_empties_the_queue(cpa, client):
    port = cpa.port
    cpa.push(b"lost", b"too")
    client.lpop("usage")
    cpa.stop()
    with pytest.raises(redis.ConnectionError):
        client.lpop("usage")
    cpa.start()
    assert (cpa.port, cpa.queued, cpa.popped) == (port, 0, 1)
    assert client.lpop("usage") is None


def test_stopping_and_starting_twice_does_nothing(cpa):
    assert cpa.start() is cpa
    cpa.stop()
    cpa.stop()
    assert (cpa.queued, cpa.connections) == (0, 0)


def test_a_taken_port_is_an_error(cpa):
    with pytest.raises(OSError, match="address already in use"):
        Simulator(port=cpa.port).start()


def test_connections_can_be_cut_without_a_restart(cpa, connect):
    client = connect()
    cpa.push(b"stays")
    assert cpa.connections == 1
    cpa.drop_connections()
    client.expect_closed()
    assert cpa.queued == 1


def test_the_catalogue_can_be_edited_while_it_serves(cpa):
    cpa.catalog.auth_files[0]["disabled"] = True
    cpa.catalog.providers["claude-api-key"] = None
    headers = {"Authorization": f"Bearer {cpa.management_key}"}
    with httpx.Client(base_url=f"{cpa.base_url}/v0/management/", headers=headers) as client:
        assert client.get("auth-files").json()["files"][0]["disabled"] is True
        assert client.get("claude-api-key").json() == {"claude-api-key": None}


def test_two_simulators_share_nothing(cpa):
    with Simulator() as other:
        other.catalog.api_keys.clear()
        other.push(b"x")
        assert (cpa.queued, other.queued) == (0, 1)
        assert cpa.catalog.api_keys


def test_every_account_of_the_traffic_is_in_the_catalogue_once():
    catalog = Catalog.default()
    known = [file["auth_index"] for file in catalog.auth_files] + [index for *_, index in catalog.credentials()]
    assert sorted(known) == sorted(account.auth_index for account in ACCOUNTS)
    assert len(set(known)) == len(known)
    assert {label.account.auth_index for label in labels()} <= set(known)
    assert all(len(index) == 16 and int(index, 16) for index in known)
