"""What the API must say about raw records, worked out from their JSON alone: nothing of the apps is used here."""

import hashlib
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

SECOND, MINUTE, QUARTER, HOUR, DAY = 1_000_000, 60, 900, 3600, 86_400
EAST = 8 * HOUR  # Asia/Shanghai, which never changes its clocks
CLASSES = ("uncached", "read", "write", "output", "reasoning", "unclassified")
# Pico-USD per token of uncached input, cache read, cache write, output, reasoning and what is in no class.
PRICES = {
    "claude-sonnet-4-5-20250929": (3_000_000, 300_000, 3_750_000, 15_000_000, 15_000_000, 3_000_000),
    "gpt-5-codex": (1_250_000, 125_000, 1_250_000, 10_000_000, 10_000_000, 1_250_000),
    "moonshotai/kimi-k2:free": (0, 0, 0, 0, 0, 0),
    "gemini-2.5-pro": (1_250_001, 310_000, 1_250_001, 10_000_000, 10_000_000, 1_250_001),
}


class Attempt:
    """One record, with what the rules make of it."""

    def __init__(self, raw: bytes, order: int):
        self.raw, self.order, self.item = raw, order, json.loads(raw)
        item = self.item
        moment = datetime.fromisoformat(item["timestamp"])  # cuts what is beyond µs
        self.at = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        self.seconds, self.failed = self.at // SECOND, item["failed"]
        self.tokens = dict(zip(CLASSES, classes(item), strict=True))
        self.total = item["tokens"]["total_tokens"]
        self.status = item["fail"]["status_code"] if self.failed else None
        self.alias = item["alias"].partition("(")[0]
        self.key = f"{self.at:x}-{hashlib.blake2b(raw.strip(), digest_size=16).hexdigest()}"
        self.group = (sha256(item["api_key"]), mask(item["api_key"])) if item["api_key"] else (item["provider"],) * 2
        self.final = True

    @property
    def account(self):
        secret = self.item["auth_type"] == "apikey"
        source = self.item["source"]
        shown = (sha256(source), mask(source)) if secret else (source, source)
        return (*shown, self.item["auth_index"])

    @property
    def is_empty(self):
        """A success without any tokens."""
        return not self.failed and not self.total and not any(self.tokens.values())

    @property
    def cost(self):
        rates = PRICES.get(self.item["model"])
        if rates and any(rates) and self.is_empty:
            return None
        return rates and sum(rate * count for rate, count in zip(rates, self.tokens.values(), strict=True))

    @property
    def end(self):
        return self.at + self.item["latency_ms"] * 1000


def attempts(raws: list[bytes]) -> list[Attempt]:
    """The attempts of these records, the one marked that ended each client's request."""
    found = [Attempt(raw, order) for order, raw in enumerate(raws)]
    kin = defaultdict(list)
    for one in found:
        item = one.item
        if item["request_id"] and not item["endpoint"].startswith("GET "):
            kin[item["request_id"], item["api_key"], one.alias, item["endpoint"]].append(one)
    for candidates in kin.values():
        for request in connected(candidates):
            ended = max(request, key=lambda one: (not one.failed, one.at, -one.order))
            for one in request:
                one.final = one is ended
    return found


def connected(candidates):
    """Groups in which one starts within 60 s of another's end, or together with it."""
    groups = [{one} for one in candidates]
    for a, b in combinations(candidates, 2):
        near = min(abs(a.at - b.end), abs(b.at - a.end)) <= 60 * SECOND or a.at == b.at
        mine, other = (next(group for group in groups if one in group) for one in (a, b))
        if near and mine is not other:
            groups.remove(other)
            mine |= other
    return groups


def classes(item):
    """uncached, cache read, cache write, output without reasoning, reasoning, unclassified."""
    told = item["token_breakdown"]
    if told["quality"] == "complete":
        ins, outs = told["input"], told["output"]
        reads = (ins["uncached_tokens"], ins["cache_read_tokens"], ins["cache_write_tokens"])
        return (*reads, outs["non_reasoning_tokens"], outs["reasoning_tokens"], told["unclassified_tokens"])
    tokens = item["tokens"]
    read, write = tokens["cache_read_tokens"] or tokens["cached_tokens"], tokens["cache_creation_tokens"]
    uncached = tokens["input_tokens"] - read - write
    assert item["executor_type"] in ("OpenAICompatExecutor", "GeminiExecutor")  # all that the captures need
    reasoning = tokens["reasoning_tokens"]
    output = tokens["output_tokens"] - (0 if item["executor_type"] == "GeminiExecutor" else reasoning)
    beyond = max(tokens["total_tokens"] - uncached - read - write - output - reasoning, 0)
    return (uncached, read, write, *((output + beyond, reasoning, 0) if output else (0, reasoning, beyond)))


def measures(found: list[Attempt]) -> dict:
    """The measures object of some attempts."""
    tokens = {name: sum(one.tokens[name] for one in found) for name in CLASSES}
    failed = sum(one.failed for one in found)
    return {
        "total": len(found),
        "success": len(found) - failed,
        "failed": failed,
        "input_tokens": tokens["uncached"],
        "output_tokens": tokens["output"] + tokens["reasoning"],
        "reasoning_tokens": tokens["reasoning"],
        "cached_tokens": tokens["read"],
        "cache_read_tokens": tokens["read"],
        "cache_creation_tokens": tokens["write"],
        "cache_creation_1h_tokens": 0,
        "total_tokens": sum(one.total for one in found),
        "cost": sum(one.cost or 0 for one in found) / 10**12,
        "unpriced_tokens": sum(one.total for one in found if one.item["model"] not in PRICES),
        "unpriced_requests": sum(not one.failed and one.cost is None for one in found),
        "without_tokens": sum(one.is_empty for one in found),
        "client_requests": sum(one.final for one in found),
        "client_failed": sum(one.final and one.failed for one in found),
    }


def overview(found, start, end, now):
    """The reply for a period [start, end) of seconds that is no longer than 31 days."""
    hours, days, quarters = (by(found, width, east) for width, east in ((HOUR, 0), (DAY, EAST), (QUARTER, 0)))
    first, last = start + EAST, end - 1 + EAST
    midnights = [day * DAY - EAST for day in range(first // DAY, last // DAY + 1)]
    return {
        "summary": measures(found),
        "hourly_series": [
            {**measures(hours[hour]), "bucket": utc(hour)} for hour in range(start // HOUR * HOUR, end, HOUR)
        ],
        "daily_series": [{**measures(days[midnight]), "bucket": local(midnight)} for midnight in midnights],
        "health_grid": [cells(quarters, midnight, midnight + DAY, QUARTER) for midnight in midnights],
        "generated_at": utc(now // SECOND),
        "detail_from": None,
    }


def health(found, year, day=None):
    """The reply for a year and perhaps one of its days."""
    days, fives = by(found, DAY, EAST), by(found, 300)
    first, after = (seconds_of(date(n, 1, 1)) - EAST for n in (year, year + 1))
    rows = []
    if day:
        midnight = seconds_of(date.fromisoformat(day)) - EAST
        rows = [cells(fives, at, at + 4 * HOUR, 300) for at in range(midnight, midnight + DAY, 4 * HOUR)]
    years = defaultdict(int)
    for one in found:
        years[datetime.fromtimestamp(one.seconds + EAST, UTC).year] += 1
    return {
        "year": year,
        "start": local(first),
        "end": local(after),
        "days": [
            {"date": local(at)[:10], "bucket": local(at), "total": len(days[at]), "failed": failures(days[at])}
            for at in range(first, after, DAY)
        ],
        "years": [{"year": n, "total": total} for n, total in sorted(years.items())],
        "selected_day": day,
        "detail": rows,
        "detail_from": None,
    }


def analysis(found):
    """The reply: by client key, by model, by both."""
    groups, models, pairs = (
        ordered(found, key)
        for key in (lambda a: a.group, lambda a: (a.item["model"],), lambda a: (*a.group, a.item["model"]))
    )
    keys = ("api_group_key", "api_group_display", "model")
    return {
        "by_api": [{**measures(rows), **dict(zip(keys, key, strict=False))} for key, rows in groups],
        "by_model": [{**measures(rows), "model": model} for (model,), rows in models],
        "by_api_and_model": [{**measures(rows), **dict(zip(keys, key, strict=True))} for key, rows in pairs],
        "detail_from": None,
    }


def credentials(found, kept):
    """The reply while nothing is known of the accounts; `kept` are all attempts, also those outside of the period."""
    seen = {one.account: one.seconds for one in sorted(kept, key=lambda one: one.at)}
    about = dict.fromkeys(("name", "email", "provider", "status"), "") | {"fee_usd_per_month": None, "fee_usd": None}
    sources = [source for source, _, _ in {one.account for one in found}]
    return {
        "items": [
            {
                "source": source,
                "source_display": display,
                "auth_index": auth_index,
                **about,
                "fee_account": source if source and sources.count(source) == 1 else auth_index,
                "last_seen": utc(seen[source, display, auth_index]),
                **measures(rows),
            }
            for (source, display, auth_index), rows in ordered(found, lambda one: one.account)
        ],
        "detail_from": None,
    }


def filters(found):
    """The reply: what occurs."""
    keys = {(mask(one.item["api_key"]), sha256(one.item["api_key"])) for one in found}
    sources = {one.account[:2] for one in found}
    return {
        "models": sorted({one.item["model"] for one in found}),
        "sources": sorted(source for source, _ in sources),
        "api_key_options": [{"api_key": key, "label": label} for label, key in sorted(keys)],
        "source_options": [
            {"source": source, "label": label} for source, label in sorted(sources, key=lambda pair: (pair[1], pair[0]))
        ],
        "providers": sorted({one.item["provider"] for one in found}),
        "endpoints": sorted({one.item["endpoint"] for one in found}),
        "requested_models": sorted({one.alias for one in found}),
        "reasoning_efforts": sorted({one.item["reasoning_effort"] for one in found} - {""}),
        "tiers": sorted({one.item.get("response_service_tier", "") for one in found} - {"", "default"}),
        "detail_from": None,
    }


def events(found, page=1, page_size=100):
    """The reply: one page, newest first."""
    rows = sorted(found, key=lambda one: (one.at, one.order), reverse=True)
    return {
        "total": len(rows),
        "page": page,
        "page_size": page_size,
        "total_pages": -(-len(rows) // page_size),
        "items": [event(one) for one in rows[(page - 1) * page_size : page * page_size]],
        "detail_from": None,
    }


def event(one: Attempt) -> dict:
    """One row."""
    item, sums = one.item, measures([one])
    tokens = {
        name: sums[name]
        for name in sums
        if name.endswith("_tokens") and name not in ("unpriced_tokens", "without_tokens")
    }
    same = ("provider", "executor_type", "model", "auth_index", "auth_type", "endpoint", "request_id")
    same += ("latency_ms", "ttft_ms", "failed", "reasoning_effort", "service_tier")
    return {
        **{name: item[name] for name in same},
        **tokens,
        "event_key": one.key,
        "timestamp": utc_us(one.at),
        "alias": one.alias,
        "api_group_key": one.group[0],
        "api_group_display": one.group[1],
        "source": one.account[0],
        "source_display": one.account[1],
        "fail_status_code": item["fail"]["status_code"],
        "fail_body": item["fail"]["body"][:4096] if one.failed else "",
        "request_service_tier": "",
        "response_service_tier": item.get("response_service_tier", ""),
        "cost": None if one.cost is None else one.cost / 10**12,
        "cost_is_minimum": False,
        "final": one.final,
        "claimed_timestamp": None,
    }


def by(found, width, east=0):
    """Attempts by the start (UTC seconds) of the stretch of so many seconds they lie in."""
    stretches = defaultdict(list)
    for one in found:
        stretches[(one.seconds + east) // width * width - east].append(one)
    return stretches


def ordered(found, key):
    """(key, attempts) with most attempts first, then by key."""
    groups = defaultdict(list)
    for one in found:
        groups[key(one)].append(one)
    return sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))


def cells(stretches, start, end, width):
    return [
        {"bucket": utc(at), "total": len(stretches[at]), "failed": failures(stretches[at])}
        for at in range(start, end, width)
    ]


def failures(found):
    return sum(one.failed for one in found)


def utc(seconds):
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def utc_us(at):
    fraction = f".{at % SECOND:06d}".rstrip("0").rstrip(".")
    return f"{utc(at // SECOND)[:-1]}{fraction}Z"


def local(seconds):
    return f"{datetime.fromtimestamp(seconds + EAST, UTC):%Y-%m-%dT%H:%M:%S}+08:00"


def seconds_of(day):
    return (day - date(1970, 1, 1)).days * DAY


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def mask(text):
    if len(text) <= 4:
        return "*" * len(text)
    return f"{text[0]}****{text[-1]}" if len(text) <= 8 else f"{text[:4]}****{text[-4:]}"
