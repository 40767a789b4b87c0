"""CPA's log of one request, passed on by a simulated CPA, and what is said when there is none."""

import json
from threading import BoundedSemaphore

import pytest

from catalog import api as catalog_api
from catalog.models import Connection
from simulator import Simulator
from tests.usage.api.conftest import CAPTURED

pytestmark = pytest.mark.django_db
FIRST = json.loads(CAPTURED[0])
NOTHING = {"found": False, "error": "CPA keeps no log of this request.", "request_log_enabled": True}
OFF = "CPA's request-log is off, so it keeps logs of the last failed requests only: switch it on."


@pytest.fixture
def cpa(settings):
    """A simulated CPA that keeps a log of every request, and saw the captured ones."""
    with Simulator() as simulator:
        settings.CPA_BASE_URL = simulator.base_url
        settings.CPA_MANAGEMENT_KEY = simulator.management_key
        simulator.request_log = True
        Connection.change(request_log_enabled=True)
        simulator.push(*CAPTURED)
        yield simulator


def path(request_id, raw=False):
    return f"/api/v1/usage/events/{request_id}/log{'/raw' if raw else ''}"


TRACE = f"20261124115642-{FIRST['auth_index']}-{FIRST['request_id']}"


@pytest.mark.parametrize("asked", [FIRST["request_id"], TRACE, f"%20{TRACE}%20"])
def test_a_log_by_request_id_and_by_trace_id(client, cpa, asked):
    reply = client.get(path(asked))
    text = reply.json()["text"]
    assert (reply.status_code, reply.json()) == (
        200,
        {
            "found": True,
            "request_id": FIRST["request_id"],
            "filename": f"v1-chat-completions-2026-11-24T115642-{FIRST['request_id']}.log",
            "text": text,
            "truncated": False,
        },
    )
    assert text.startswith("=== REQUEST INFO ===\nVersion: v7.2.140\nURL: /v1/chat/completions\n")
    assert FIRST["api_key"] not in text
    assert client.get(path(asked, raw=True)).getvalue().decode() == text


def test_the_raw_log_is_a_file_that_does_nothing(client, cpa):
    for accept in ("text/plain", "text/html", "*/*"):
        reply = client.get(path(FIRST["request_id"], raw=True), headers={"Accept": accept})
        assert (reply.status_code, reply["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert reply["Content-Disposition"] == (
            f'attachment; filename="v1-chat-completions-2026-11-24T115642-{FIRST["request_id"]}.log"'
        )
        assert reply["X-Content-Type-Options"] == "nosniff"
        assert reply["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert reply["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("asked", ["deadbeef", "%00", "..", "..%5C..", "a b", "ü", "x" * 300])
def test_a_log_that_cpa_does_not_have(client, cpa, asked, raw):
    reply = client.get(path(asked, raw))
    assert (reply.status_code, reply.json()) == (404, NOTHING)


@pytest.mark.parametrize("raw", [False, True])
def test_while_request_logs_are_off_that_is_said(client, cpa, raw):
    Connection.change(request_log_enabled=False)
    missing = client.get(path("deadbeef", raw))
    assert (missing.status_code, missing.json()) == (404, {"found": False, "error": OFF, "request_log_enabled": False})


@pytest.mark.parametrize("raw", [False, True])
def test_a_cpa_that_is_away_is_a_bad_gateway(client, cpa, raw):
    cpa.stop()
    reply = client.get(path("deadbeef", raw))
    assert (reply.status_code, list(reply.json())) == (502, ["error"])
    assert reply.json()["error"].startswith(f"CPA does not answer at {cpa.base_url} (")


def test_while_cpa_does_not_answer_for_two_logs_no_more_threads_wait_for_it(client, cpa, monkeypatch):
    monkeypatch.setattr("catalog.api.LOGS", BoundedSemaphore(1))
    with catalog_api.LOGS:
        assert client.get(path("deadbeef", False)).json() == {
            "error": "CPA has not answered for other logs yet: try again in a moment."
        }
    assert client.get(path("deadbeef", False)).status_code != 502
