"""Records as CPA sends them: the 129 captured ones, and single fields changed in one of them."""

import json
from collections import Counter
from hashlib import blake2b, sha256

import pytest
from msgspec import Raw

from tests import FIXTURES
from usage.records.record import Names, is_refresh, limit_headers, parse

CAPTURED = FIXTURES.joinpath("cpa/records.jsonl").read_bytes().splitlines()
ARRIVED = 1_795_500_000_000_000  # 2026-11-24T06:00:00Z
OPENAI, FAILED = CAPTURED[0], next(line for line in CAPTURED if b'"failed":true' in line)
CLASSES = ("uncached", "cache_read", "cache_write_unspecified", "output", "reasoning", "unclassified", "total")


def changed(**fields):
    """The first captured record with other fields; None takes one out."""
    record = json.loads(OPENAI) | fields
    return json.dumps({name: value for name, value in record.items() if value is not None}).encode()


def read(**fields):
    return parse(changed(**fields), ARRIVED)


def test_every_captured_record_by_executor():
    """Counted from the captures' breakdowns; of the three that are not complete, by hand from their tokens."""
    sums = {}
    for raw in CAPTURED:
        record = parse(raw, ARRIVED)
        row = sums.setdefault(record.executor_type, [0] * (1 + len(CLASSES)))
        row[0] += 1
        for place, name in enumerate(CLASSES, 1):
            row[place] += getattr(record, name)
    assert {executor: tuple(row) for executor, row in sums.items()} == {
        "AntigravityExecutor": (4, 855, 1200, 0, 300, 800, 0, 3155),
        "ClaudeExecutor": (26, 1551, 39000, 1000, 3180, 180, 0, 44911),
        "CodexExecutor": (23, 8298, 21000, 200, 5872, 3584, 0, 38954),
        "GeminiExecutor": (18, 4500, 5400, 0, 2500, 3600, 0, 16000),
        "GeminiVertexExecutor": (2, 1445, 600, 0, 150, 400, 0, 2595),
        "OpenAICompatExecutor": (53, 9507, 17600, 100, 7116, 2640, 777, 37740),
        "XAIExecutor": (3, 1857, 4500, 0, 1032, 768, 0, 8157),
    }


@pytest.mark.parametrize(
    ("line", "classes"),
    [
        (8, (0, 0, 0, 0, 0, 777, 777)),
        (9, (409, 800, 0, 1230, 120, 0, 2559)),
        (77, (380, 600, 0, 1150, 400, 0, 2530)),
    ],
)
def test_captured_records_whose_breakdown_is_not_complete(line, classes):
    record = parse(CAPTURED[line - 1], ARRIVED)
    assert tuple(getattr(record, name) for name in CLASSES) == classes


def test_captured_results_tiers_and_accounts():
    records = [parse(raw, ARRIVED) for raw in CAPTURED]
    assert Counter(record.failed for record in records) == {False: 78, True: 51}
    assert Counter(record.tier for record in records) == {"": 126, "priority": 2, "flex": 1}
    assert Counter(record.source_display for record in records if record.auth_type == "oauth") == {
        "carol@example.com": 4,
        "dave@example.com": 6,
        "erin@example.com": 4,
        "frank@example.com": 1,
    }
    assert Counter(record.api_key_mask for record in records) == {
        "sk-c****0001": 47,
        "sk-c****0002": 57,
        "sk-c****0003": 25,
    }
    assert len({record.fingerprint for record in records}) == 129


def test_no_captured_secret_comes_out():
    keys = {json.loads(raw)[name] for raw in CAPTURED for name in ("source", "api_key")}
    shown = b"".join(
        repr([getattr(record, name) for name in record.__struct_fields__ if name != "response_headers"]).encode()
        for record in (parse(raw, ARRIVED) for raw in CAPTURED)
    )
    assert [key for key in keys if "@" not in key and key.encode() in shown] == []


def test_the_first_captured_record_whole():
    record = parse(OPENAI, ARRIVED)
    found = {name: getattr(record, name) for name in record.__struct_fields__}
    assert json.loads(bytes(found.pop("response_headers")))["X-Request-Id"] == ["req_openai_000001"]
    assert found.pop("names") == tuple(found[name] for name in Names.__struct_fields__)
    assert found == {
        "timestamp": 1_795_492_602_952_429,
        "claimed": None,
        "arrived": ARRIVED,
        "fingerprint": blake2b(OPENAI, digest_size=16).digest(),
        "provider": "openai-compatible-openrouter-mock",
        "executor_type": "OpenAICompatExecutor",
        "model": "moonshotai/kimi-k2:free",
        "requested_model": "kimi-k2",
        "source": sha256(b"sk-or-mock-AAAA1111").hexdigest(),
        "source_display": "sk-o****1111",
        "auth_index": "c950c3ada31d57be",
        "auth_type": "apikey",
        "api_key": sha256(b"sk-client-alice-0001").hexdigest(),
        "api_key_mask": "sk-c****0001",
        "endpoint": "POST /v1/chat/completions",
        "tier": "",
        "reasoning_effort": "",
        "service_tier": "auto",
        "request_service_tier": "",
        "response_service_tier": "",
        "failed": False,
        "request_id": "a07802d8",
        "latency_ms": 12,
        "ttft_ms": 11,
        "uncached": 401,
        "cache_read": 800,
        "cache_write": 0,
        "cache_write_1h": 0,
        "cache_write_unspecified": 0,
        "output": 230,
        "reasoning": 120,
        "unclassified": 0,
        "total": 1551,
        "fail_status_code": 200,
        "fail_body": "",
        "fail_body_length": 0,
        "client_ip": "127.0.0.1",
        "x_forwarded_for": "",
        "user_agent": "python-httpx/0.28.1",
    }
    assert record.input_context == 1201


OLD = {
    "timestamp": "2026-11-24T04:00:00Z", "latency_ms": 7, "source": "dave@example.com", "auth_index": "aaaa",
    "tokens": {"input_tokens": 92, "output_tokens": 210, "reasoning_tokens": 0, "cached_tokens": 3000,
               "total_tokens": 3302},
    "failed": True, "provider": "claude", "model": "claude-sonnet-4-5", "endpoint": "POST /v1/messages",
    "auth_type": "oauth", "api_key": "", "request_id": "00000001",
}  # fmt: skip


def test_a_record_of_an_old_cpa():
    record = parse(json.dumps(OLD).encode(), ARRIVED)
    assert [getattr(record, name) for name in CLASSES] == [92, 3000, 0, 210, 0, 0, 3302]
    assert (record.requested_model, record.executor_type, record.ttft_ms) == ("claude-sonnet-4-5", "", 0)
    assert (record.api_key, record.api_key_mask, record.response_headers) == ("", "", None)
    assert (record.failed, record.fail_status_code, record.fail_body, record.user_agent) == (True, 0, "", "")


def test_an_empty_object_is_an_attempt_of_which_nothing_is_known():
    record = parse(b"{}", ARRIVED)
    assert (record.timestamp, record.model, record.requested_model) == (ARRIVED, "unknown", "unknown")
    assert (record.failed, record.total, record.provider, record.source, record.api_key) == (False, 0, "", "", "")


def test_blanks_around_a_record_do_not_make_it_another():
    assert parse(b" \n" + OPENAI + b"\r\n", ARRIVED).fingerprint == parse(OPENAI, ARRIVED).fingerprint


@pytest.mark.parametrize(
    ("model", "alias", "names"),
    [
        ("m", "kimi-k2(8191)", ("m", "kimi-k2")),
        ("m", "team/kimi-k2 (high) ", ("m", "team/kimi-k2")),
        ("m", "a(b)(c)", ("m", "a(b)")),
        ("m", "a(b", ("m", "a(b")),
        ("m", "a)", ("m", "a)")),
        ("m", "a(b)c)", ("m", "a(b)c)")),
        ("m", "(high)", ("m", "m")),
        ("m(high)", "", ("m", "m")),
        (" m ", "  ", ("m", "m")),
        ("  ", "asked", ("unknown", "asked")),
        ("", None, ("unknown", "unknown")),
        ("m" * 300, "a" * 300 + "(high)", ("m" * 255, "a" * 255)),
    ],
)
def test_names_of_the_model(model, alias, names):
    record = read(model=model, alias=alias)
    assert (record.model, record.requested_model) == names


CLAUDE = {"executor_type": "ClaudeExecutor", "provider": "claude"}
CODEX_OAUTH = {"executor_type": "CodexExecutor", "provider": "codex", "auth_type": "oauth"}


@pytest.mark.parametrize(
    ("fields", "tier"),
    [
        ({"response_service_tier": "flex"}, "flex"),
        ({"response_service_tier": " Priority "}, "priority"),
        ({"response_service_tier": "FAST"}, "priority"),
        ({"response_service_tier": "batch", "executor_type": "ClaudeExecutor"}, "batch"),
        ({"response_service_tier": "default", "service_tier": "priority"}, ""),
        ({"response_service_tier": "priority", "failed": True}, "priority"),
        ({"service_tier": "priority"}, "priority"),
        ({"service_tier": "flex", "executor_type": "CodexExecutor", "provider": "codex"}, "flex"),
        ({"service_tier": "batch", "executor_type": "xaiexecutor", "provider": "xai"}, "batch"),
        ({"service_tier": "auto"}, ""),
        ({"service_tier": "priority", "failed": True}, ""),
        ({"service_tier": "priority", "executor_type": "ClaudeExecutor", "provider": "claude"}, ""),
        ({"service_tier": "priority", "endpoint": "POST /v1/responses"} | CLAUDE, "fast"),
        ({"service_tier": "priority", "endpoint": "GET /v1/responses"} | CLAUDE, "fast"),
        ({"service_tier": "flex", "endpoint": "POST /v1/responses"} | CLAUDE, ""),
        ({"service_tier": "priority", "response_service_tier": "default"} | CODEX_OAUTH, "priority"),
        ({"service_tier": "auto", "response_service_tier": "default"} | CODEX_OAUTH, ""),
        ({"service_tier": "priority", "response_service_tier": "default"} | CODEX_OAUTH | {"auth_type": "apikey"}, ""),
        ({"service_tier": "priority", "executor_type": "GeminiExecutor", "provider": "gemini"}, ""),
        ({"service_tier": "auto", "request_service_tier": "flex"}, "flex"),
        ({"service_tier": None}, ""),
    ],
)
def test_tier(fields, tier):
    assert read(**fields).tier == tier


def test_tier_words_are_kept_as_sent_up_to_64_characters():
    record = read(service_tier="Auto", request_service_tier="f" * 65, response_service_tier="Default")
    assert (record.service_tier, record.request_service_tier, record.response_service_tier) == (
        "Auto",
        "f" * 64,
        "Default",
    )


def test_texts_are_cut():
    long = "x" * 600
    names = ("provider", "auth_index", "endpoint", "reasoning_effort", "request_id", "client_ip", "x_forwarded_for")
    record = read(**dict.fromkeys((*names, "executor_type", "auth_type", "user_agent"), long))
    assert {getattr(record, name) for name in (*names, "executor_type", "auth_type")} == {"x" * 255}
    assert record.user_agent == "x" * 512


def test_a_failure():
    record = parse(FAILED, ARRIVED)
    sent = json.loads(FAILED)["fail"]
    assert (record.fail_status_code, record.fail_body) == (sent["status_code"], sent["body"])
    assert record.fail_body_length == len(sent["body"])


def test_failed_decides_and_not_the_status():
    record = read(failed=True, fail={"status_code": 200, "body": "cut"})
    assert (record.failed, record.fail_status_code, record.fail_body) == (True, 200, "cut")
    assert (read(fail={"status_code": 500, "body": "late"}).fail_body, read().fail_status_code) == ("", 200)


def test_a_long_body_is_cut_and_its_length_noted():
    record = read(failed=True, fail={"status_code": 502, "body": "é" * 200_000})
    assert (record.fail_body, record.fail_body_length) == ("é" * 4096, 200_000)


def test_a_body_loses_the_records_own_keys():
    body = "sk-or-mock-AAAA1111 of sk-client-alice-0001"
    assert read(failed=True, fail={"status_code": 401, "body": body}).fail_body == "sk-o****1111 of sk-c****0001"


@pytest.mark.parametrize("raw", [b'{"support_refresh":true}', b'{"refresh":true}', b' { "refresh" : true }\n'])
def test_cues_are_no_records(raw):
    assert parse(raw, ARRIVED) is None
    assert is_refresh(raw) == (b'"refresh"' in raw)


@pytest.mark.parametrize("raw", [b'{"refresh":false}', b'{"refresh":1}', b"", b"{}", b"[]", b"\xff", b"[" * 99, OPENAI])
def test_what_asks_for_no_refresh(raw):
    assert not is_refresh(raw)


def test_limit_headers():
    headers = {
        "X-Codex-Primary-Used-Percent": ["12", "34 "],
        "Anthropic-Ratelimit-Requests-Remaining": ["49"],
        "x-RateLimit-Remaining-Tokens": "3999999",
        "Retry-After": [30],
        "Request-Id": ["req_1"],
        "X-Request-Id": ["a" * 300],
        "Set-Cookie": ["session=secret"],
        "Authorization": ["Bearer secret"],
        "X-Codex-Empty": [],
        "X-Codex-Odd": {"a": 1},
        "X-Codex-Null": [None],
        "X-Codex-Nul": ["a\x00b\ud800"],
        "X-Codex-\u00e9": ["1"],
    }
    assert limit_headers(Raw(json.dumps(headers).encode())) == {
        "x-codex-primary-used-percent": "34",
        "anthropic-ratelimit-requests-remaining": "49",
        "x-ratelimit-remaining-tokens": "3999999",
        "retry-after": "30",
        "request-id": "req_1",
        "x-request-id": "a" * 256,
        "x-codex-nul": "a\ufffdb\ufffd",
    }


@pytest.mark.parametrize("raw", [None, b"", b"null", b"[]", b"7", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"\xff"])
def test_headers_of_an_odd_shape_are_none(raw):
    assert limit_headers(raw) == {}


def test_headers_are_bounded():
    many = {f"X-Codex-{n}": ["1"] for n in range(1000)}
    assert list(limit_headers(json.dumps(many).encode())) == [f"x-codex-{n}" for n in range(64)]


def test_a_source_that_is_the_clients_own_key_is_no_account():
    record = read(source="team-blue-laptop-7", api_key="team-blue-laptop-7", auth_type="oauth")
    assert (record.source, record.source_display) == ("", "")
    assert record.api_key == sha256(b"team-blue-laptop-7").hexdigest()


def test_an_older_name_of_a_compatible_vendor_is_todays():
    old = read(provider="OpenRouter", executor_type="OpenAICompatExecutor")
    assert old.provider == "openai-compatible-openrouter"
    assert read(provider="openai-compatibility").provider == "openai-compatibility"
    assert read(provider="codex", executor_type="CodexExecutor").provider == "codex"
    # Before 7.1.38 there was no executor.
    assert read(provider="OpenRouter", executor_type=None).provider == "openai-compatible-openrouter"
    assert read(provider="relay", executor_type=None, service_tier="flex").tier == "flex"
    for own in ("claude", "gemini", "vertex", "codex", "xai", "kimi", "qwen", "unknown", ""):
        assert read(provider=own, executor_type=None).provider == own
    assert read(provider="p" * 300, executor_type="OpenAICompatExecutor").provider == f"openai-compatible-{'p' * 237}"
