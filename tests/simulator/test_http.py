"""The captured HTTP exchanges with a real CPA, asked of the simulator: status, header names, bodies or their shape."""

import httpx
import msgspec
import pytest

from tests.simulator.raw import FIXTURES, RawClient, captured

ALL = sorted(path.stem for path in (FIXTURES / "http").glob("*.json"))
OWN_TEST = {"models", "management-config", "management-config_yaml", "management-latest-version"}
# Bodies with times, counts or a random order: their shape is compared.
SHAPED = {
    "management-auth-files",
    "management-auth-files_models",
    "v1-models",
    "v1-models_anthropic",
    "v1beta-models",
    "management-request-error-logs",
    "management-request-error-logs_after-error",
    "management-api-key-usage",
}
# Where CPA tells of one model more than of another: the names it uses are compared.
DETAILED = {"v1beta-models": "models", "v1-models_anthropic": "data"}
LOGS = {name for name in ALL if name.startswith("request-log_o")}
FRAMING = {"content-length", "transfer-encoding"}


@pytest.fixture
def ask(cpa, captured_catalog):
    """A function that repeats a captured request."""
    cpa.catalog = captured_catalog
    with httpx.Client(base_url=cpa.base_url) as client:
        client.headers.clear()

        def asked(capture):
            request = capture["request"]
            return client.request(
                request["method"], request["path"], headers=request["headers"], json=request.get("body")
            )

        yield asked


def shape(value):
    """Types and key names: a list is the set of its items' shapes."""
    if isinstance(value, dict):
        return frozenset((name, shape(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return frozenset(shape(inner) for inner in value)
    return type(value).__name__


@pytest.mark.parametrize("name", [name for name in ALL if name not in OWN_TEST | SHAPED | LOGS])
def test_a_reply_is_as_captured(ask, name):
    capture = captured(name)
    reply = ask(capture)
    assert reply.status_code == capture["status"]
    assert set(reply.headers) == set(capture["headers"])
    assert reply.headers.get("content-type") == capture["headers"].get("content-type")
    assert reply.headers.get("x-cpa-version") == capture["headers"].get("x-cpa-version")
    assert reply.headers.get("content-length") == capture["headers"].get("content-length")
    if "json" in capture:
        assert reply.content == msgspec.json.encode(capture["json"])
    else:
        assert reply.text == capture["text"]


@pytest.mark.parametrize("name", sorted(SHAPED))
def test_a_reply_has_the_captured_shape(cpa, ask, records, name):
    cpa.push_many(records)
    capture = captured(name)
    reply = ask(capture)
    assert reply.status_code == capture["status"]
    assert set(reply.headers) - FRAMING == set(capture["headers"]) - FRAMING
    ours, theirs = shape(reply.json()), shape(capture["json"])
    if name in DETAILED:
        ours, theirs = ({name for name, _ in either} for either in (ours, theirs))
        assert len(reply.json()[DETAILED[name]]) == 135
        assert set(reply.json()[DETAILED[name]][0]) <= set().union(*capture["json"][DETAILED[name]])
    assert ours == theirs


def test_counts_are_kept_per_account_and_in_ten_minutes(cpa, ask, records):
    cpa.push_many(records)
    files = {file["name"]: file for file in ask(captured("management-auth-files")).json()["files"]}
    dave = files["claude-dave@example.com.json"]
    assert (dave["success"], dave["failed"]) == (4, 2)
    assert len(dave["recent_requests"]) == 20
    assert [(bucket["success"], bucket["failed"]) for bucket in dave["recent_requests"] if bucket["success"]] == [
        (4, 2)
    ]
    usage = ask(captured("management-api-key-usage")).json()
    assert usage["claude"]["http://127.0.0.1:9400/anthropic|sk-ant-mock-BBBB2222"]["failed"] == 1
    assert set(usage) == set(captured("management-api-key-usage")["json"])


def test_the_configuration_has_the_captured_keys_and_no_index(ask):
    capture = captured("management-config")
    reply = ask(capture).json()
    assert set(reply) == set(capture["json"])
    names = [name for name in capture["json"] if name.endswith("api-key")]
    assert {name: reply[name] for name in names if name not in ("vertex-api-key",)} == {
        name: capture["json"][name] for name in names if name != "vertex-api-key"
    }
    assert "auth-index" not in ask(captured("management-config_yaml")).text


def test_the_yaml_configuration_is_not_to_be_stored(ask):
    capture = captured("management-config_yaml")
    reply = ask(capture)
    assert (reply.status_code, set(reply.headers) - FRAMING) == (200, set(capture["headers"]) - FRAMING)
    assert reply.headers["cache-control"] == "no-store"


def test_the_latest_version_cannot_be_told(ask):
    reply = ask(captured("management-latest-version"))
    assert (reply.status_code, reply.json()["error"]) == (502, "request_failed")


@pytest.fixture
def manage(cpa):
    headers = {"X-Management-Key": "lab-management-key"}
    with httpx.Client(base_url=f"{cpa.base_url}/v0/management/", headers=headers) as client:
        yield client


@pytest.mark.parametrize("switch", ["usage-statistics-enabled", "request-log", "debug"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_switch_is_set_and_read(manage, switch, method):
    for value in (True, False):
        reply = manage.request(method, switch, json={"value": value})
        assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
        assert manage.get(switch).json() == {switch: value}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"value":1}', b'{"value":null}', b'{"other":true}', b"\xff"])
def test_a_switch_refuses_other_bodies(cpa, manage, body):
    reply = manage.put("usage-statistics-enabled", content=body)
    assert (reply.status_code, reply.json()) == (400, {"error": "invalid body"})
    assert cpa.statistics_enabled


@pytest.mark.parametrize(("method", "path"), [("POST", "auth-files"), ("DELETE", "request-log"), ("HEAD", "debug")])
def test_other_methods_are_not_found(manage, method, path):
    reply = manage.request(method, path)
    assert (reply.status_code, reply.content) == (404, b"")
    assert reply.headers["x-cpa-version"] == "v7.2.140"


def test_a_changed_setting_tells_subscribers_to_refresh(cpa, manage, connect):
    listener = connect()
    listener.ask(b"SUBSCRIBE", b"usage")
    manage.put("debug", json={"value": True})
    manage.put("debug", json={"value": True})
    manage.get("debug")
    listener.ask(b"QUIT")
    assert listener.rest().count(b'{"refresh":true}') == 1


def test_the_http_queue_pops_the_same_records(cpa, manage, connect):
    cpa.push(b'{"a":1}', b'{"b":"2"}', b"not json", b'"\xff', b'{"c":3}')
    assert manage.get("usage-queue").content == b'[{"a":1}]'
    client = connect()
    client.ask(b"LPOP", b"usage", b"1")
    client.expect(b'*1\r\n$9\r\n{"b":"2"}\r\n')
    assert manage.get("usage-queue?count=9").json() == ["not json", '"\ufffd', {"c": 3}]
    assert manage.get("usage-queue?count=9").content == b"[]"
    assert cpa.popped == 5


@pytest.mark.parametrize("count", ["0", "-1", "x", "1.5", "٣"])
def test_the_http_queue_refuses_other_counts(cpa, manage, count):
    cpa.push(b"{}")
    reply = manage.get("usage-queue", params={"count": count})
    assert (reply.status_code, reply.json()) == (400, {"error": "count must be a positive integer"})
    assert cpa.queued == 1


def test_a_large_reply_arrives_whole(cpa, manage, records):
    cpa.push_many(records * 20)
    assert manage.get("usage-queue?count=5000").content == b"[" + b",".join(records * 20) + b"]"


def test_failing_and_hanging_paths(cpa, manage):
    cpa.fail_paths = {"/v0/management/claude-api-key": 500, "/v1/models": 529}
    cpa.hang_paths = {"/v0/management/config"}
    assert manage.get("claude-api-key").status_code == 500
    assert httpx.get(f"{cpa.base_url}/v1/models").status_code == 529
    with pytest.raises(httpx.ReadTimeout):
        manage.get("config", timeout=0.1)
    cpa.fail_paths, cpa.hang_paths = {}, ()
    assert [manage.get(path).status_code for path in ("claude-api-key", "config")] == [200, 200]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer sk-client-团队-0003".encode()},
        {"X-Api-Key": "sk-client-alice-0001"},
        {"X-Goog-Api-Key": "sk-client-alice-0001"},
    ],
)
def test_a_client_key_may_come_in_several_headers(cpa, headers):
    models = httpx.get(f"{cpa.base_url}/v1/models", headers=headers).json()["data"]
    assert {"gpt-5-codex", "kimi-k2"} <= {model["id"] for model in models}


def test_without_client_keys_configured_none_is_needed(cpa):
    cpa.catalog.api_keys.clear()
    assert httpx.get(f"{cpa.base_url}/v1/models").status_code == 200


def test_without_a_management_key_there_is_no_management():
    from simulator import Simulator

    with Simulator(management_key="") as cpa:
        reply = httpx.get(f"{cpa.base_url}/v0/management/usage-queue", headers={"Authorization": "Bearer x"})
        assert (reply.status_code, reply.content) == (404, b"")
        assert cpa.auth_failures == 0


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"PING\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_no_http_is_a_bare_400(cpa, request_bytes):
    client = RawClient(cpa.port)
    client.send(request_bytes)
    assert client.rest() == (
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Connection: close\r\n\r\n400 Bad Request"
    )
    client.close()


def test_requests_may_arrive_together_and_in_pieces(cpa):
    client = RawClient(cpa.port)
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    client.send(request[:10])
    client.send(request[10:] + request + request.replace(b"Host: x", b"Connection: close"))
    replies = client.rest()
    assert replies.count(b'{"status":"ok"}') == 3
    assert replies.count(b"Connection: close") == 1
    client.close()
