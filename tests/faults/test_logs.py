"""CPA's log of a request, written by anyone who may call CPA: it is shown, whatever it holds and however long it is."""

import base64
import json
import random

import pytest

from catalog.cpa import LOG_BYTES, RequestLog
from tests.usage.made import NOON, record, stored
from usage.analytics.events.paging import event_page
from usage.dashboard.formats import size
from usage.query.filters import UsageFilter
from usage.requestlogs import fetch
from usage.time.periods import Period

pytestmark = pytest.mark.django_db
ASKED, END = b"=== REQUEST BODY ===\n", b"\n\n=== RESPONSE ===\nStatus: 200\n\nthe last line"
KEY = "sk-a-key-of-someone"


@pytest.fixture
def page(client, monkeypatch):
    """A function: the page of a request whose log is this, and CPA sends it in parts."""
    stored(record(NOON, request_id="aaaaaaaa"), arrived=NOON)
    address = f"/requests/{event_page(UsageFilter(Period(None, None)), 1, 20).items[0].event_key}/log/"

    def shown(log):
        def request_log(request_id, start=0):
            part = log[start : start + LOG_BYTES]
            return RequestLog(True, "a.log", part, start + len(part) < len(log), len(log))

        monkeypatch.setattr(fetch, "request_log", request_log)
        return client.get(address)

    return shown


def raw(client):
    return b"".join(client.get("/api/v1/usage/events/aaaaaaaa/log/raw"))


ODD = {
    "lists": b"[" * 100_000,
    "objects": b'{"a":' * 100_000,
    "closed": b"[" * 100_000 + b"]" * 100_000,
    "as deep as can be read": b"[" * 960 + b"]" * 960,
    "chunks": b"data: " + b'{"delta":{"text":' * 10_000,
    "a number for a text": b'data: {"delta":{"text":5}}\n\ndata: {"choices":5}\n\ndata: {"candidates":[[]]}\n\ndata: 5',
    "wrong types": b'{"messages":[5,null,{"role":{"a":[]},"content":{"text":{"text":[5]}}},[]],"system":5}',
    "surrogates": b'{"messages":[{"role":"\\ud800","content":"\\udfff and \\u0000"}]}',
    "surrogates in a chunk": b'data: {"type":"output_text.delta","delta":"\\ud800"}',
    "bytes that are no text": b"\x00\xff\xfe\xed\xa0\x80",
    "lines that end in CR": b'A: b\r\r{"a":1}\rdata: {}\r' * 1000,
    "a long line": b"A: " + b"b" * 1_000_000,
    "numbers that are none": b'{"a":[NaN,1e999,-Infinity,1' + b"0" * 5000 + b"]}",
    "headings": b"=== A ===\n" * 150_000,
    "headers": b"A: b\n" * 300_000,
    "messages": b'{"messages":[' + b'{"content":"a"},' * 30_000 + b"1]}",
    "blanks": b" \n" * 700_000,
    "much of nothing": b"[" + (b"[" * 24 + b"]" * 24 + b",") * 10_000 + b"1]",
    "markup": b"<script>alert(1)</script>" * 20_000,
    "quotes": b'"' * 480_000,
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_whatever_stands_in_a_log_it_is_shown(client, page, body):
    log = ASKED + body + END
    reply = page(log)
    assert reply.status_code == 200
    assert b"the last line" in reply.content and b"<script>alert" not in reply.content
    assert len(reply.content) < 7 * len(log) + 20_000  # a quote is six characters, and all is there but once
    assert client.get("/api/v1/usage/events/aaaaaaaa/log").json()["text"] == log.decode(errors="replace")
    assert raw(client) == log


def prompt(size):
    """A request of about so many bytes, with a key in each message."""
    words = random.Random(size)
    messages = [{"role": "user", "content": f"{words.random()} " * 50 + KEY} for _ in range(size // 1000)]
    return json.dumps({"messages": messages}).encode()


LONG = {
    "base64": lambda: base64.b64encode(random.Random(1).randbytes(15_000_000)),
    "one word": lambda: b"a" * 20_000_000,
    "JSON": lambda: prompt(20_000_000),
    "chunks": lambda: b'data: {"choices":[{"delta":{"content":"word 1 "}}]}\n\n' * 100_000,
}


@pytest.mark.parametrize("body", LONG.values(), ids=LONG)
def test_a_long_log_is_shown_in_part_and_downloaded_whole(client, page, body):
    log = ASKED + body() + END
    reply = page(log)
    assert len(reply.content) < 700_000
    assert "Only its beginning is shown: download it for the rest." in reply.text
    assert size(len(log)) in reply.text
    found = client.get("/api/v1/usage/events/aaaaaaaa/log").json()
    assert (found["truncated"], found["text"][:1000]) == (True, log[:LOG_BYTES].decode()[:1000])
    assert raw(client) == log.replace(KEY.encode(), b"sk-a****eone")


def test_a_log_of_a_megabyte_is_shown_whole(page):
    reply = page(ASKED + prompt(1_000_000) + END)
    assert "the last line" in reply.text and "Only its beginning" not in reply.text
    assert len(reply.content) < 2_500_000
    assert KEY not in reply.text


def test_a_download_takes_the_memory_of_a_piece_or_two(client, page):
    page(ASKED + LONG["base64"]() + END)
    pieces = client.get("/api/v1/usage/events/aaaaaaaa/log/raw")
    assert max(map(len, pieces)) < 2 * LOG_BYTES


def test_a_log_that_goes_away_while_it_is_downloaded_is_not_taken_for_whole(client, page, monkeypatch):
    page(ASKED + LONG["one word"]() + END)
    reply = client.get("/api/v1/usage/events/aaaaaaaa/log/raw")
    monkeypatch.setattr(fetch, "request_log", lambda request_id, start: RequestLog(found=False))
    with pytest.raises(fetch.BadGateway, match="no longer kept"):
        b"".join(reply)
