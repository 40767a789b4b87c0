"""Request logs: which requests have one, and that it is laid out as CPA lays it out."""

import re

import httpx
import pytest

from tests.simulator.raw import captured


@pytest.fixture
def manage(cpa):
    headers = {"Authorization": "Bearer lab-management-key"}
    with httpx.Client(base_url=f"{cpa.base_url}/v0/management/", headers=headers) as client:
        yield client


def attempt(number, **changes):
    """One attempt of request 72e04c14 at one of two keys."""
    return {
        "timestamp": f"2026-11-24T11:58:32.97{number}472826+08:00",
        "source": f"sk-or-mock-AAAA111{number}",
        "auth_index": f"c2dbb05f4776c23{number}",
        "user_agent": "python-httpx/0.28.1",
        "failed": True,
        "fail": {"status_code": 429, "body": '{"error": "slow down"}'},
        "response_headers": {"Content-Type": ["application/json"], "Retry-After": ["1"]},
        "provider": "openai-compatible-openrouter-mock",
        "model": "moonshotai/kimi-k2:free",
        "alias": "kimi-k2",
        "endpoint": "POST /v1/chat/completions",
        "auth_type": "apikey",
        "api_key": "sk-client-alice-0001",
        "request_id": "72e04c14",
    } | changes


def answered(number, **changes):
    return attempt(number, failed=False, fail={"status_code": 200, "body": ""}, **changes)


def headings(text):
    return re.findall(r"=== (.+?) ===", text)


@pytest.mark.parametrize(
    ("capture", "records"),
    [
        ("request-log_on_failed_retries", [attempt(number) for number in range(4)]),
        ("request-log_on_ok", [answered(1)]),
    ],
)
def test_the_log_has_the_captured_sections_and_headers(cpa, manage, capture, records):
    cpa.request_log = True
    cpa.push(*records)
    capture, reply = captured(capture), manage.get("request-log-by-id/72e04c14")
    assert reply.status_code == 200
    assert headings(reply.text) == headings(capture["text"])
    assert reply.text.startswith(capture["text"][:110])
    assert set(reply.headers) == set(capture["headers"])
    assert reply.headers["content-type"] == capture["headers"]["content-type"]
    name = 'attachment; filename="v1-chat-completions-2026-11-24T115832-72e04c14.log"'
    assert reply.headers["content-disposition"] == name
    assert reply.headers["last-modified"] == "Tue, 24 Nov 2026 03:58:32 GMT"


def test_no_key_is_readable_in_a_log(cpa, manage):
    cpa.push(attempt(1))
    text = manage.get("request-log-by-id/72e04c14").text
    assert "sk-or-mock" not in text
    assert "sk-client" not in text
    assert "Authorization: Bearer sk-c...0001" in text
    assert "value=sk-o...1111" in text


def test_a_part_of_a_log(cpa, manage):
    cpa.push(attempt(1))
    whole = manage.get("request-log-by-id/72e04c14").content
    part = manage.get("request-log-by-id/72e04c14", headers={"Range": "bytes=0-99"})
    assert (part.status_code, part.content) == (206, whole[:100])
    assert set(part.headers) == set(captured("request-log_on_ok_range")["headers"])
    assert part.headers["content-range"] == f"bytes 0-99/{len(whole)}"
    rest = manage.get("request-log-by-id/72e04c14", headers={"Range": "bytes=100-"})
    assert (rest.status_code, rest.content) == (206, whole[100:])
    assert manage.get("request-log-by-id/72e04c14", headers={"Range": "bytes=999999-"}).status_code == 416


def test_a_head_is_not_found(cpa, manage):
    cpa.push(attempt(1))
    reply = manage.head("request-log-by-id/72e04c14")
    assert (reply.status_code, set(reply.headers)) == (404, set(captured("request-log_on_ok_head")["headers"]))


def test_with_request_log_off_only_the_last_ten_failures_have_one(cpa, manage):
    cpa.push(*[attempt(1, request_id=f"{number:08x}") for number in range(12)])
    files = manage.get("request-error-logs").json()["files"]
    assert [file["name"][-12:-4] for file in files] == [f"{number:08x}" for number in range(11, 1, -1)]
    log = manage.get("request-log-by-id/0000000b")
    assert files[0] == {
        "name": "error-v1-chat-completions-2026-11-24T115832-0000000b.log",
        "size": len(log.content),
        "modified": 1795492712,
    }
    assert manage.get("request-log-by-id/00000001").status_code == 404


def test_a_request_that_got_through_in_the_end_has_no_error_log(cpa, manage):
    cpa.push(attempt(1), answered(2))
    assert manage.get("request-error-logs").json() == {"files": []}
    assert manage.get("request-log-by-id/72e04c14").json() == {"error": "log file not found for the given request ID"}


def test_with_request_log_on_every_request_has_one(cpa, manage):
    cpa.push(answered(1, request_id="before00"))
    manage.put("request-log", json={"value": True})
    cpa.push(answered(1))
    assert manage.get("request-log-by-id/before00").status_code == 404
    assert "Status: 200" in manage.get("request-log-by-id/72e04c14").text


@pytest.mark.parametrize(
    "record",
    [
        {"request_id": "72e04c14", "failed": True},
        {"request_id": "72e04c14", "failed": True, "timestamp": None, "fail": None, "endpoint": "GET /v1/responses"},
        {"request_id": "72e04c14", "failed": True, "timestamp": "yesterday", "source": "团" * 20},
    ],
)
def test_a_meagre_record_still_has_a_log(cpa, manage, record):
    cpa.push(record)
    assert manage.get("request-log-by-id/72e04c14").status_code == 200
    assert len(manage.get("request-error-logs").json()["files"]) == 1
