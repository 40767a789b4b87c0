"""The addresses that are asked when the golden replies are recorded; the test asks what the recorded files name."""

from itertools import cycle
from urllib.parse import quote, urlencode

API = "/api/v1"
USAGE = f"{API}/usage"
CLAUDE, FLASH, CODEX = "claude-sonnet-4-5-20250929", "gemini-2.5-flash", "gpt-5.1-codex"
ALICE, TEAM = "sk-client-alice-0001", "sk-client-团队-0003"
LONG = "The upstream did not like it, and it says so at length, again and again. " * 4


def custom(start, end):
    """A range of one's own."""
    return {"start": start, "end": end}


RANGES = [
    {},
    {"range": "all"},
    {"range": "today"},
    *({"range": name} for name in ("1h", "5h", "24h", "25h", "168h", "2d", "7d", "30d")),
    custom("2026-10-01", "2026-11-01"),
    custom("2026-11-01", "2026-12-01"),
    custom("2026-10-31T23:47:13.123456", "2026-11-01T00:12:59.000001"),
    custom("2026-11-01T00:00:00", "2026-11-01T00:15:00"),
    custom("2026-11-13T23:59:59.999999", "2026-11-14T00:00:00.000002"),
    custom("2026-11-19T08:13:37+01:00", "2026-11-21T17:59:01Z"),
    custom("2026-10-20T05:07:11.5", "2026-11-17T03:33:33.3"),
    custom("2026-11-20", "2026-11-21"),
    custom("2026-11-24T11:56:43", "2026-11-24T11:57:02"),
    custom("2026-11-24T10:00:00Z", "2026-11-24T10:00:00.000001Z"),
    custom("2025-12-31T23:59:59.999999", "2026-01-01T00:00:00.000001"),
    custom("2020-01-01", "2020-02-01T00:00:01"),
    custom("2027-01-01", "2027-01-02"),
    custom("2024-02-28T12:34:56", "2027-01-01"),
    custom("2026-11-21T12:30:00", "2027-01-01"),
]
FEW_RANGES = [
    {"range": "all"},
    custom("2026-10-20T05:07:11.5", "2026-11-17T03:33:33.3"),
    {"range": "30d"},
    custom("2026-11-12T08:13:37+01:00", "2026-11-24T03:59:01Z"),
    {"range": "7d"},
    {"range": "168h"},
]
FILTERS = [
    *({"model": name} for name in (CLAUDE, FLASH, "gpt-5", "gpt-5-codex", "m" * 255, "模型/Ünïcødé 🚀", "(other)")),
    *({"model": name} for name in ("no-such-model", "(none)", "unknown", "claude")),
    {"model": [CLAUDE, FLASH]},
    {"model": ["gpt-5", "no-such-model", "gpt-5-mini", "gpt-5"]},
    *({"source": name} for name in ("mei.lin@example.com", "sk-ant-demo-Zk81qPq0fXw7Rt2v", "nobody")),
    {"source": ["carol@example.com", "AIzaSyDemo-4fGh7JkLmN0pQr", "(other)"]},
    *({"auth_index": name} for name in ("ff65edf82cc89b41", "c950c3ada31d57be", "nope")),
    *({"api_key": key} for key in (ALICE, TEAM, "k8", "unknown", "(none)", "sk-client-nobody-9999", "sk-none")),
    {"api_key": [ALICE, "sk-client-bob-0002", "unknown"]},
    {"result": "success"},
    {"result": "failed"},
    *({"provider": name} for name in ("claude", "codex", "openai-compatible-openrouter", "(none)", "nope", "Claude")),
    *({"endpoint": name} for name in ("POST /v1/messages", "GET /v1/responses", "POST /nope")),
    *({"requested_model": name} for name in ("gemini-flash", "kimi-k2", "Model", "nope")),
    *({"reasoning_effort": name} for name in ("medium", "xhigh", "HIGH", "(none)", "nope")),
    *({"tier": name} for name in ("priority", "flex", "batch", "(none)", "default", "nope")),
    *({"status": code} for code in ("429", "529", "0", "404", "200", "599")),
    *({"message": text} for text in ("overloaded", "context canceled", LONG[:160], "no such model\nnor any other")),
    *({"message": text} for text in ("(none)", "nobody says so")),
    *({name: "(none)", "range": "all"} for name in ("source", "auth_index", "endpoint")),
    {"message": ("上游服务不可用" * 30)[:160], "range": "all"},
    *({"request_id": name} for name in ("4e740000", "4e74ffff", "a07802d8", "no-such-id", "x" * 255, "(none)")),
    {"request_id": "20261124115642-c950c3ada31d57be-a07802d8"},
]
TOGETHER = [
    {"model": CLAUDE, "source": "mei.lin@example.com"},
    {"model": CLAUDE, "api_key": ALICE},
    {"model": [CLAUDE, FLASH, "gpt-5"], "result": "failed"},
    {"model": CODEX, "provider": "codex", "result": "success"},
    {"model": "gpt-5-codex", "tier": "priority"},
    {"model": "gpt-5-codex", "tier": "(none)", "reasoning_effort": "high"},
    {"model": FLASH, "endpoint": "POST /v1beta/models/*action"},
    {"model": FLASH, "requested_model": "gemini-flash", "api_key": [TEAM, "k8"]},
    {"model": CLAUDE, "status": "529"},
    {"model": "gpt-5", "status": "0", "message": "connection reset by peer"},
    {"model": CLAUDE, "provider": "codex"},
    {"source": "carol@example.com", "result": "failed"},
    {"source": "carol@example.com", "endpoint": "POST /v1/messages", "reasoning_effort": "(none)"},
    {"source": ["carol@example.com", "mei.lin@example.com"], "model": ["claude-opus-4-5-20251101", CLAUDE]},
    {"auth_index": "ff65edf82cc89b41", "model": CLAUDE},
    {"auth_index": "ff65edf82cc89b41", "result": "failed", "status": "429"},
    {"auth_index": "c4680f363a1d9946", "provider": "claude", "api_key": [ALICE, TEAM]},
    {"api_key": ALICE, "provider": "claude"},
    {"api_key": ALICE, "result": "success"},
    {"api_key": TEAM, "result": "failed", "provider": "gemini"},
    {"api_key": TEAM, "reasoning_effort": "medium"},
    {"api_key": [ALICE, TEAM], "tier": "priority", "provider": "codex"},
    {"api_key": "unknown", "provider": "nameless", "range": "all"},
    {"api_key": "unknown", "provider": "(none)", "endpoint": "(none)", "range": "all"},
    {"provider": "codex", "reasoning_effort": "high"},
    {"provider": "codex", "reasoning_effort": "high", "tier": "(none)", "endpoint": "GET /v1/responses"},
    {"provider": "gemini", "status": "429"},
    {"provider": "claude", "requested_model": f"team-a/{CLAUDE}"},
    {"endpoint": "POST /v1/messages", "result": "failed", "status": "500"},
    {"endpoint": "POST /v1/chat/completions", "tier": "(none)"},
    {"requested_model": "kimi-k2", "reasoning_effort": "high"},
    {"requested_model": "gpt-5", "tier": "(none)", "result": "failed"},
    {"result": "success", "status": "429"},
    {"result": "success", "message": "overloaded"},
    {"result": "failed", "message": "(none)"},
    {"status": "529", "message": "overloaded"},
    {"status": "0", "message": "(none)"},
    {"status": "400", "api_key": ALICE, "source": "ann@example.com"},
    {"message": "overloaded", "model": CLAUDE},
    {"request_id": "4e740001", "result": "failed"},
    {"request_id": "4e740001", "model": CLAUDE, "api_key": ALICE},
    {"model": "", "source": " ", "tier": "", "result": "", "provider": "codex"},
    {"model": f" {CLAUDE} ", "tier": " (none) "},
    {"unknown_parameter": "x", "provider": "xai"},
]
BAD = [
    *({"range": name} for name in ("last_year", "0h", "169h", "367d", "\0", "ALL")),
    *({"range": "custom"} | dates for dates in ({}, {"start": "2026-11-24"}, {"end": "2026-11-24"})),
    *(custom(*dates) for dates in (("noon", "2026-11-24"), ("2026-11-24", "2026-13-01"), ("2026-11-24", "2026-11-24"))),
    *({name: "\0"} for name in ("model", "source", "api_key", "auth_index", "provider", "endpoint", "message")),
    *({name: "\0"} for name in ("requested_model", "reasoning_effort", "tier", "request_id")),
    *({"status": code} for code in ("99", "600", "-1", "4.5", "busy")),
    {"result": "maybe"},
    {"message": "a" * 161},
    {"request_id": "a" * 256},
    {"range": "last_year", "result": "maybe", "status": "busy"},
]
HEALTH = [
    *({"year": year} for year in ("2024", "2025", "2026", "1970", "2199", "1969", "2200", "last")),
    *({"day": day} for day in ("2026-11-24", "2026-11-01", "2026-10-31", "2026-01-01", "2025-12-31", "2026-11-14")),
    *({"day": day} for day in ("2026-11-25", "2020-02-29", "2026-02-29", "24.11.2026", "0001-01-01")),
    {"year": "2025", "day": "2026-11-20"},
]
HEALTH_DAYS = ["2026-11-24", "2026-11-20", "2026-11-01", "2026-11-14", "2026-10-31"]
ALONE = [
    *("/healthz", "/readyz", f"{API}/ping", f"{API}/version", f"{API}/status", f"{API}/notices", f"{API}/status/"),
    *(f"{API}/auth/{name}" for name in ("session", "sessions", "login", "logout", "sessions/nope")),
    *(f"{API}/{name}" for name in ("auth-files", "provider-metadata", "sync", "cpa/statistics", "cpa/request-log")),
    *(f"{API}/{name}" for name in ("pricing", "pricing/gpt-5", "aliases", "aliases/export", "aliases/import")),
    *(f"{USAGE}/{name}" for name in ("", "nope", "overview/nope", "overview/?range=today", "events/filters/")),
    *(f"{API}/{name}" for name in ("models/used", "models", "", "nope")),
    *(f"{USAGE}/events/{key}" for key in ("nope", "64a-0", f"1-{32 * '0'}", "%00", "a%20b")),
    *(f"{USAGE}/events/{request_id}" for request_id in ("a07802d8/log", "a07802d8/log/raw", "nope/log")),
]
EXPORTS = [
    {"range": "all"},
    {"range": "24h"},
    custom("2026-10-31T23:47:13.123456", "2026-11-05T00:12:59.000001"),
    {"range": "all", "result": "failed"},
    {"range": "all", "model": [CLAUDE, "=cmd()"], "api_key": ALICE},
    {"range": "all", "model": "no-such-model"},
]


def addresses() -> list[str]:
    """Everything that is asked while all detail is there; single events are added from the replies."""
    found = list(ALONE)
    ranges, days = cycle(FEW_RANGES), cycle(HEALTH_DAYS)
    bys = cycle(("key", "model", "account", "provider", "endpoint", "", "nope"))
    groups, others = cycle(("analysis", "credentials")), cycle(("credentials", "health", "events/filters"))
    for asked in RANGES:
        found += [_of(path, asked) for path in ("overview", next(groups))]
        found.append(_of("summary", asked, by=next(bys)))
        found.append(_of("events", asked, page_size=20))
    found += [_of("health", asked) for asked in HEALTH]
    for asked in FILTERS:
        found += [_of(path, next(ranges) | asked) for path in ("overview", "analysis")]
        found.append(_of("events", next(ranges) | asked, page_size=20))
        other = next(others)
        found.append(_of(other, asked | ({"day": next(days)} if other == "health" else next(ranges))))
    pairs = cycle((("overview", "events"), ("analysis", "events"), ("overview", "credentials"), ("events/filters",)))
    found += [_of(path, next(ranges) | asked) for asked in TOGETHER for path in next(pairs)]
    found += [_of("events", {"range": "all"} | asked | paging) for asked in _PAGED for paging in _PAGES]
    found += [_of("events", {"range": "all"} | asked | paging) for asked in _PAGED[:1] for paging in _LARGE_PAGES]
    found += [_of("events", {"range": "today", "page": page}) for page in ("first", "1.5")]
    found += [_of("events", {"range": "today", "page_size": "many"}), _of("events", {"before": "nothing"})]
    paths = cycle(("overview", "health", "analysis", "events", "events/filters", "credentials", "overview"))
    found += [_of(next(paths), asked) for asked in BAD]
    found += [f"/requests.{form}?{urlencode(asked, doseq=True)}" for form in ("csv", "jsonl") for asked in EXPORTS]
    return list(dict.fromkeys(found))


def addresses_below(page: dict) -> list[str]:
    """Single events of a page, and pages below them."""
    keys = [item["event_key"] for item in page["items"]]
    found = [f"{USAGE}/events/{key}" for key in keys[::4]]
    for asked in ({"range": "all"}, {"range": "7d", "model": CLAUDE}, {"range": "all", "result": "failed", "page": 3}):
        found += [_of("events", asked, before=key, page_size=20) for key in keys[::20]]
    return found


def addresses_after_retention() -> list[str]:
    """What is asked again when old detail is gone."""
    found = [f"{API}/{name}" for name in ("status", "models/used", "aliases", "pricing", "auth-files")]
    ranges, others = cycle(FEW_RANGES), cycle(("analysis", "credentials", "events", "events/filters"))
    for asked in RANGES:
        found += [_of(path, asked) for path in ("overview", next(others))]
    found += [_of("health", asked) for asked in HEALTH[2:14]]
    for asked in (FILTERS + TOGETHER)[::3]:
        found += [_of(path, next(ranges) | asked) for path in ("overview", next(others))]
    found += [_of("events", asked, range="all", page_size=20) for asked in (FILTERS + TOGETHER)[1::5]]
    found += [_of("health", asked, day="2026-11-14") for asked in FILTERS[1::4]]
    found += [f"/requests.csv?{urlencode(asked, doseq=True)}" for asked in EXPORTS[:3]]
    return list(dict.fromkeys(found))


_PAGED = [{}, {"model": CLAUDE}, {"result": "failed"}, {"provider": "codex", "reasoning_effort": "high"}]
_SIZES = [(1, 20), (2, 20), (7, 20), (2, 50), (-3, 20), (99999, 20)]
_LARGE_SIZES = [(1, 1000), (2, 500), (31, 100), (0, 33), (10**12, 1000)]
_PAGES, _LARGE_PAGES = ([{"page": nth, "page_size": size} for nth, size in sizes] for sizes in (_SIZES, _LARGE_SIZES))


def _of(path, asked, **more):
    query = urlencode(asked | more, doseq=True, quote_via=quote)
    return f"{USAGE}/{path}?{query}" if query else f"{USAGE}/{path}"
