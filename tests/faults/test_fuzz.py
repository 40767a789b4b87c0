"""Anything at all for what reads texts of others: records, filters, request logs. `--soak` tries many times as much."""

import json
from urllib.parse import urlencode

import msgspec
import pytest
from django.template.loader import render_to_string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.cpa import RequestLog
from tests.usage.made import NOON, record, stored
from tests.usage.records.test_record import CAPTURED
from usage.analytics.accounts.quotas import windows
from usage.analytics.answers import instant
from usage.api.questions import QUESTIONS
from usage.models.labels import LABELS
from usage.records.decoding import MOST
from usage.records.record import Malformed, Record, is_refresh, limit_headers, parse
from usage.records.secrecy import shown
from usage.records.unknown import UnknownFields
from usage.requestlogs.fetch import laid_out

TIMES_IN_SOAK = 300


@pytest.fixture(autouse=True)
def no_name_of_a_field_stays_in_this_process(monkeypatch):
    fresh = UnknownFields()
    for module in ("usage.records.decoding", "usage.ingest.writer"):
        monkeypatch.setattr(f"{module}.unknown_fields", fresh)


def fuzz(soak, examples, strategy, check):
    """Call check() with that many examples: the same ones each time, or in a soak many new ones."""
    chosen = settings(
        max_examples=examples * (TIMES_IN_SOAK if soak else 1),
        derandomize=not soak,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    chosen(given(strategy)(check))()


TEXTS = st.text(st.characters(), max_size=30) | st.text(
    "sk-bearer AIza=@{}[]\"'\\/.:%0123456789TZ\0\ud800", max_size=40
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([0, -1, 0.5, 2**31, 2**63, 10**30, 1e308, MOST, MOST + 1])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS


def values(names):
    """JSON of any shape, with these names of fields among others."""
    keys = st.sampled_from(names) | TEXTS
    branches = lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5)  # noqa: E731
    return st.recursive(SCALARS, branches, max_leaves=25)


DEPTHS = st.integers(0, 30) | st.integers(900, 1010) | st.just(100_000)


def nested(value, depth, opening, closing):
    """The JSON of a value inside so many lists or objects."""
    return opening * depth + json.dumps(value) + closing * depth


# --- Records ------------------------------------------------------------------------------------------------------

REAL = [json.loads(raw) for raw in CAPTURED[:: len(CAPTURED) // 20]]
FIELDS = sorted({name for item in REAL for name in item})
INNER = sorted(
    {name for item in REAL for field in ("tokens", "fail", "token_breakdown") for name in item.get(field) or ()}
)
LIMITS = [
    *("X-Codex-Primary-Used-Percent", "X-Codex-Primary-Reset-At", "X-Codex-Primary-Window-Minutes", "Retry-After"),
    *("X-Codex-Primary-Reset-After-Seconds", "Anthropic-Ratelimit-Unified-5h-Utilization", "X-Ratelimit-Limit-Tokens"),
    *("Anthropic-Ratelimit-Unified-99999999999999999999d-Utilization", "Anthropic-Ratelimit-Unified-5h-Reset"),
    *("X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens", "X-Request-Id", "Anthropic-Ratelimit-Tokens-Reset"),
]
SPANS = st.sampled_from(
    ["1", "0", "1e14", "-1", "nan", "inf", "9" * 250 + "d", "6m0s", "9999-12-31T23:59:59-23:59", "0001-01-01"]
)
HEADERS = st.dictionaries(
    st.sampled_from(LIMITS) | TEXTS, st.lists(SPANS | TEXTS, max_size=2) | SPANS | SCALARS, max_size=8
)


@st.composite
def records(draw):
    """A captured record with some of its fields changed, left out, misspelt, nested or cut off; or any bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    item = dict(draw(st.sampled_from(REAL)))
    for name in draw(st.lists(st.sampled_from(FIELDS) | TEXTS, max_size=4)):
        item[name] = draw(values(INNER))
    for name in draw(st.lists(st.sampled_from(["tokens", "fail", "token_breakdown"]), max_size=2)):
        item[name] = draw(st.dictionaries(st.sampled_from(INNER), SCALARS, max_size=5))
    if draw(st.booleans()):
        item["response_headers"] = draw(HEADERS)
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=2)):
        item[draw(st.sampled_from([name.upper(), f" {name}", "x"]))] = item.pop(name, None)
    raw = json.dumps(item, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 9)) == 0:
        deep = nested(1, draw(DEPTHS), *draw(st.sampled_from([("[", "]"), ('{"a":', "}")])))
        raw = raw[:-1] + f', "{draw(st.sampled_from(FIELDS))}": {deep}}}'.encode()
    if draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.binary(max_size=4)) + raw[at + draw(st.integers(0, 9)) :]
    return raw


def check_record(raw):
    """A record that can be stored and shown, None, or Malformed; never anything else."""
    is_refresh(raw)
    msgspec.json.encode(shown(raw))
    try:
        found = parse(raw, NOON)
    except Malformed as error:
        assert str(error).endswith(".")
        return
    if found is None:
        return
    assert isinstance(found, Record)
    for name in Record.__struct_fields__:
        value = getattr(found, name)
        if isinstance(value, str):
            assert "\0" not in value and value.encode() is not None, name
        elif isinstance(value, int):
            assert -(2**63) <= value < 2**63, name
    for window in windows(limit_headers(found.response_headers), NOON):
        assert instant(window.resets_at) is None or window.resets_at >= 0
        msgspec.json.encode(window)


def test_any_bytes_are_a_record_or_a_cue_or_malformed(soak):
    fuzz(soak, 400, records(), check_record)


@pytest.mark.django_db
def test_any_record_can_be_stored_and_shown(soak, client):
    def check(raws):
        stored(*raws)
        for address in (
            "/accounts/",
            "/api/v1/usage/accounts?range=all",
            "/api/v1/usage/events?range=all",
            "/requests.csv",
        ):
            reply = client.get(address)
            assert reply.status_code == 200 and reply.getvalue(), address

    fuzz(soak, 5, st.lists(records(), min_size=10, max_size=30), check)


# --- Filters ------------------------------------------------------------------------------------------------------

NAMES = sorted(
    {"range", "start", "end", "message", "request_id", "before", *LABELS}.union(
        *(each.form.base_fields for each in QUESTIONS)
    )
)
GIVEN = st.sampled_from(
    [
        *(
            "",
            "all",
            "today",
            "7d",
            "24h",
            "168h",
            "yesterday",
            "this_month",
            "custom",
            "2026-11-24",
            "2026-11-24T00:00:00Z",
            "0001-01-01",
            "9999-12-31",
        ),
        *(
            "1970-01-01",
            "2026-11-24T08:30:00.999999999+08:00",
            "2026-02-30",
            "2199-12-31T23:59:59-23:59",
            "1",
            "0",
            "-1",
        ),
        *(
            "9" * 30,
            "1e400",
            "nan",
            "failed",
            "success",
            "429",
            "(none)",
            "none",
            "unknown",
            "model",
            "cost",
            "x" * 500,
        ),
        *("\0", "\ud800", "١٢", "%", "%00", "a" * 64, "a-" + "0" * 32, "1" * 15 + "-" + "f" * 32, "20261124115642-"),
    ]
)
QUERIES = st.lists(st.tuples(st.sampled_from(NAMES) | TEXTS, GIVEN | TEXTS), max_size=5).map(
    lambda pairs: urlencode(pairs, errors="surrogatepass")
) | st.text("&=%;+?#/0aF\xff", max_size=40)
PAGES = (
    "/",
    "/requests/",
    "/requests.jsonl",
    "/analysis/",
    "/analysis/failures/",
    "/health/",
    "/accounts/",
    "/keys/",
    "/filters/",
)


@pytest.mark.django_db
def test_any_query_is_answered_or_refused_by_name(soak, client):
    stored(record(NOON, model="a"), record(NOON + 1, failed=True, fail={"status_code": 429, "body": "b"}))
    addresses = [f"/api/v1/usage/{each.address}" for each in QUESTIONS]

    def check(asked):
        address, query = asked
        reply = client.get(f"{address}?{query}".encode("ascii", "backslashreplace").decode())
        _ = reply.getvalue()  # a file is read to its end
        assert reply.status_code in (200, 400), asked
        if reply.status_code == 400 and address.startswith("/api/"):
            assert set(reply.json()) == {"error", "field"}, asked

    fuzz(soak, 200, st.tuples(st.sampled_from([*addresses, *PAGES]), QUERIES), check)


# --- Request logs -------------------------------------------------------------------------------------------------

WORDS = [
    *(
        "messages",
        "contents",
        "input",
        "output",
        "system",
        "instructions",
        "systemInstruction",
        "role",
        "type",
        "choices",
    ),
    *("message", "candidates", "content", "text", "parts", "arguments", "thinking", "delta", "reasoning", "tool_calls"),
]
CONVERSATIONS = st.dictionaries(st.sampled_from(WORDS), values(WORDS), max_size=5) | values(WORDS)


@st.composite
def logs(draw):
    """A log whose bodies and chunks are any JSON, or JSON that is cut off or nested deeply, or any bytes."""
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        text = json.dumps(draw(CONVERSATIONS), ensure_ascii=draw(st.booleans()))
        if draw(st.integers(0, 5)) == 0:
            text = nested(draw(CONVERSATIONS), draw(DEPTHS), *draw(st.sampled_from([("[", "]"), ('{"content":', "}")])))
        text = text[: draw(st.none() | st.integers(0, len(text)))]
        before = draw(
            st.sampled_from(["", "data: ", "data:", "event: a\ndata: ", "Body:\n", "A: b\n\n", "=== ", "\r", TEXT])
        )
        parts.append(f"{draw(st.sampled_from(HEADS))}{before}{text}")
    noise = draw(st.binary(max_size=20))
    return draw(st.sampled_from(["\n", "\n\n", "\r\n", "\r", ""])).join(parts).encode("utf-8", "surrogatepass") + noise


TEXT = 'data: {"delta":{"text":5}}\ndata: '
HEADS = ["", "=== REQUEST BODY ===\n", "=== RESPONSE ===\nStatus: 200\n\n", "=== A ===\r\n", "=== \0 ===\n"]


def check_log(body):
    """Laid out as texts that a page can show."""
    found = laid_out(RequestLog(True, "a.log", body, size=len(body)))
    assert msgspec.convert(msgspec.to_builtins(found), type(found)) == found  # each field is of its type
    pages = [render_to_string("usage/request/log_section.html", {"section": each}) for each in found.sections]
    assert "".join(pages).encode() is not None


def test_any_log_is_laid_out_or_shown_as_it_is(soak):
    fuzz(soak, 300, logs(), check_log)
