"""How the fixed records were made, once: traffic of the simulator, and odd ones. The tests only read the file."""

import gzip
import json
from datetime import UTC, datetime, timedelta

from simulator.traffic import history
from tests.golden.seed import NOW, NOW_US, RECORDS

DAYS, EVENTS, SEED, ZONE = 40, 3000, 20261124, "Asia/Shanghai"
SECOND, MINUTE = 1_000_000, 60_000_000
DAY = 24 * 60 * MINUTE
TODAY = int(datetime(2026, 11, 23, 16, tzinfo=UTC).timestamp()) * SECOND  # midnight in Shanghai
NOVEMBER = TODAY - 23 * DAY
SAID = 160  # characters by which messages are told apart


def write():
    """Make the file again."""
    made = list(history(DAYS, EVENTS, SEED, NOW - timedelta(minutes=3), ZONE))
    arrivals = [(NOW_US, raw) for raw in made] + odd()
    lines = b"".join(b"%d %b\n" % arrival for arrival in arrivals)
    RECORDS.write_bytes(gzip.compress(lines, 9, mtime=0))


def odd() -> list[tuple[int, bytes]]:
    """(arrival, record) of what traffic has not, or not for certain."""
    return [*_dead(), *_unbelieved(), *((NOW_US, raw) for raw in (*_edges(), *_failures(), *_retries(), *_labels()))]


def _dead():
    yield NOW_US, b"no record"
    yield NOW_US, b"[1, 2, 3]"
    yield NOW_US, b'{"timestamp": "half past nine", "model": "gpt-5"}'
    yield NOW_US - 20 * DAY, b'{"timestamp": "2026-11-01T00:00:00Z", "tokens": {"total_tokens": "many"}}'
    yield NOW_US - DAY, b"\xff\xfe not even text"
    yield NOW_US, b'{"refresh": true}'


def _unbelieved():
    yield NOW_US - 3 * DAY, record(NOW_US + 400 * DAY, model="from-the-future", request_id="f0f0f0f0")
    yield NOW_US - 12 * DAY, record(0, model="from-1970", request_id="f0f0f0f1")


def _edges():
    """At the edges of quarter hours, days, months and years, and several at once."""
    yield record(datetime(2025, 12, 31, 15, 59, 59, 999_999, UTC))  # a µs before the year in Shanghai
    yield record(datetime(2025, 12, 31, 16, 0, 0, 0, UTC))
    for month in (3, 6, 9, 10):
        yield record(datetime(2026, month, 1, 3, 4, 5, 678_901, UTC), model="gpt-5-mini")
    for edge in (NOVEMBER, NOVEMBER + 9 * DAY, TODAY - 10 * DAY, TODAY):
        for nth, at in enumerate((edge - 1, edge, edge + 1, edge + 15 * MINUTE - 1, edge + 15 * MINUTE)):
            yield record(at, request_id=f"ed9e{nth:04x}", latency_ms=90_000)
    for nth in range(6):
        yield record(TODAY + 3 * 3600 * SECOND + 7 * SECOND, request_id=f"7e7e{nth:04x}", model="gpt-5-mini")
    yield record(NOW_US - 1, request_id="0a0a0a0a")


def _failures():
    long = "The upstream did not like it, and it says so at length, again and again. " * 4
    bodies = {
        0: ["", "connection reset by peer", long + "one", long + "two"],
        99: ["below all codes"],
        404: ["", "no such model\nnor any other"],
        429: [long[:SAID], long[: SAID + 1], "  blanks around  "],
        503: ["上游服务不可用" * 30, '<script>alert("1")</script>', "=1+1", "x" * 9000],
        1000: ["above all codes"],
    }
    at = TODAY - 11 * DAY - 7 * 3600 * SECOND
    for status, words in bodies.items():
        for body in words:
            for _ in range(2):  # before and after what retention keeps
                at += 23 * 3600 * SECOND + 61 * SECOND + 1
                if at > NOW_US:
                    at -= 20 * DAY
                yield failure(at, fail={"status_code": status, "body": body})
    yield failure(TODAY + MINUTE, request_id="fa11fa11")
    yield failure(TODAY + 2 * MINUTE, fail=None, api_key="", model="grok-4")
    yield failure(TODAY + 3 * MINUTE, fail={"status_code": 500}, provider="", endpoint="", api_key="")


def _retries():
    """Attempts of one request over edges, in odd orders, and next to each other."""
    claude = {"provider": "claude", "executor_type": "ClaudeExecutor", "model": "claude-sonnet-4-5-20250929"}
    upstream = {"status_code": 529, "body": "overloaded"}
    for nth, edge in enumerate((NOVEMBER, TODAY - 10 * DAY, TODAY - 3 * DAY + 15 * MINUTE, TODAY)):
        request_id = f"4e74{nth:04x}"
        yield record(edge + 30 * SECOND, request_id=request_id, **claude)
        yield failure(edge - 20 * SECOND, request_id=request_id, fail=upstream, **claude)
        yield failure(
            edge + 5 * SECOND, request_id=request_id, fail=upstream, auth_index="b1", source="bob@example.com"
        )
        yield failure(edge - 20 * SECOND, request_id=request_id, fail={"status_code": 400, "body": "other"}, **claude)
    for nth in range(3):
        yield failure(TODAY - 2 * DAY + nth, request_id="4e74ffff", fail=upstream)
    yield record(TODAY - 5 * DAY, request_id="10000001")
    yield record(TODAY - 5 * DAY + 3 * 3600 * SECOND, request_id="10000001")  # the same id, hours later
    yield record(TODAY - 5 * DAY, request_id="x" * 300)


def _labels():
    """Labels that are empty, long, odd, or look like something else."""
    at = NOVEMBER + 20 * DAY + 12_345_678
    yield record(
        at, provider="", executor_type="", model="", alias="", endpoint="", api_key="", source="", auth_index=""
    )
    yield record(at + 1, api_key="", provider="nameless", model="unpriced-model")
    yield record(at + 2, api_key="", provider="", endpoint="POST /v1/odd")
    yield record(
        at + 3, api_key="unknown", model="(none)", alias="(none)", provider="(none)", reasoning_effort="(none)"
    )
    yield record(at + 4, model="m" * 300, alias="a" * 300, source="s" * 300, auth_index="i" * 300, api_key="k" * 300)
    yield record(at + 5, model="=cmd()", alias="@alias", source="+source", endpoint="-endpoint", provider="<b>p</b>")
    yield record(at + 6, model="模型/Ünïcødé 🚀", alias="名 字", source="用户@例子.公司", provider="прова́йдер")
    yield record(at + 7, model="MODEL", alias="Model(high)", reasoning_effort="HIGH", service_tier="FLEX")
    yield record(at + 8, model="(other)", source="(other)", provider="(other)", endpoint="(other)")
    for nth, tier in enumerate(("flex", "priority", "batch", "default", "scale", "x" * 100)):
        yield record(at + 9 + nth, service_tier=tier, response_service_tier=tier, model="gpt-5-codex")
    large = {"input": 10**9, "output": 10**9, "reasoning": 10**8, "cached": 0, "total": 2 * 10**9}
    yield record(at + 20, tokens=large, latency_ms=10**9, ttft_ms=10**9, model="gpt-5")
    yield record(at + 21, tokens={"input": 0, "output": 0, "reasoning": 0, "cached": 0, "total": 77}, latency_ms=0)
    yield record(at + 22, tokens={"input": -5, "output": 3, "reasoning": 9, "cached": 700, "total": 1}, ttft_ms=-1)
    for nth, size in enumerate((19_999, 20_000, 20_001, 50_000, 50_001)):
        tokens = {"input": size, "output": 5, "reasoning": 0, "cached": 0, "total": size + 5}
        yield record(at + 30 + nth, model="gpt-5-codex", tokens=tokens, request_id=f"57e9{nth:04x}")
    yield record(at + 40, client_ip="2001:db8::1", x_forwarded_for="10.0.0.1, 192.0.2.7", user_agent="odd/1.0 " * 90)


def failure(at, **fields) -> bytes:
    """A record of an attempt that failed."""
    none = {"input": 0, "output": 0, "reasoning": 0, "cached": 0, "total": 0}
    return record(at, **{"failed": True, "tokens": none} | fields)


def record(at: int | datetime, **fields) -> bytes:
    """A record that started at `at` (µs, or an aware moment); `tokens` by their short names."""
    moment = at if isinstance(at, datetime) else datetime.fromtimestamp(at // SECOND, UTC)
    us = at.microsecond if isinstance(at, datetime) else at % SECOND
    counts = {"input": 100, "output": 50, "reasoning": 10, "cached": 40, "total": 150} | fields.pop("tokens", {})
    item = {
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{us:06d}Z",
        "latency_ms": 1200,
        "ttft_ms": 300,
        "source": "ann@example.com",
        "auth_index": "a1b2c3d4e5f60718",
        "failed": False,
        "provider": "codex",
        "executor_type": "CodexExecutor",
        "model": "gpt-5",
        "alias": "gpt-5",
        "endpoint": "POST /v1/responses",
        "auth_type": "oauth",
        "api_key": "sk-client-alice-0001",
        "request_id": "",
        "tokens": {f"{name}_tokens": count for name, count in counts.items()},
    }
    return json.dumps(item | fields, ensure_ascii=False).encode()
