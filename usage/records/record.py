"""One raw queue item of CPA -> a typed record with its tokens in disjoint classes. Knows nothing of Django."""

import json
import re
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter

from msgspec import Raw, Struct

from cpa_usage.keys import fingerprint, mask
from pricing.tokenclasses import INPUT_CLASSES
from usage.records.decoding import Item, Malformed, decode, legible
from usage.records.secrecy import LABEL, account, is_secret, redact
from usage.records.tiers import billed_tier
from usage.records.timestamps import believed
from usage.records.tokens import classify, family, vendor

TIER_WORD = 64  # characters kept of a service tier as sent
AGENT = 512
ORDINARY = 8192  # bytes; nearly every record is shorter
LONGEST_CUE = 100  # bytes
CUES = {"refresh", "support_refresh"}
NAMES_REMEMBERED = 8192
LIMITS_KEPT = 64
LIMIT_TEXT = 256

# Everything that the Names of an item are made of.
_words = attrgetter(
    *("provider", "executor_type", "model", "alias", "source", "auth_index", "auth_type", "api_key", "endpoint"),
    *("reasoning_effort", "service_tier", "request_service_tier", "response_service_tier", "failed"),
)
_input_of = attrgetter(*INPUT_CLASSES)
_HEADER_NAME = re.compile(r"[a-z0-9_-]{1,100}")
_LIMIT_NAMES = {"retry-after", "request-id", "x-request-id"}
_LIMIT_PREFIXES = ("x-codex-", "anthropic-ratelimit-", "x-ratelimit-")


class Names(Struct, gc=False):
    """What a record has in common with many others."""

    provider: str
    executor_type: str
    model: str
    requested_model: str
    source: str
    source_display: str
    auth_index: str
    auth_type: str
    api_key: str  # fingerprint of the client's key, '' for none
    api_key_mask: str
    endpoint: str
    tier: str  # '', flex, priority, batch or fast: what it is billed as (tiers.py)
    reasoning_effort: str
    service_tier: str
    request_service_tier: str
    response_service_tier: str
    failed: bool


class Record(Names, gc=False):
    """One upstream attempt. Times are µs since the epoch, UTC; texts are never None."""

    names: tuple  # the fields of Names again: one object for all records that share them
    timestamp: int
    claimed: int | None  # the time it claimed, where that was not believed; then timestamp is the arrival
    arrived: int
    fingerprint: bytes  # BLAKE2b-128 of the raw item
    request_id: str
    latency_ms: int
    ttft_ms: int
    uncached: int
    cache_read: int
    cache_write: int  # kept for five minutes
    cache_write_1h: int
    cache_write_unspecified: int
    output: int  # without reasoning
    reasoning: int
    unclassified: int
    total: int  # CPA's own figure
    fail_status_code: int
    fail_body: str
    fail_body_length: int  # characters, before it was cut
    client_ip: str
    x_forwarded_for: str
    user_agent: str
    response_headers: Raw | None

    @property
    def input_context(self) -> int:
        """All classified input, cached or not; the context steps of prices are measured by it."""
        return sum(_input_of(self))


def parse(raw: bytes, arrived: int) -> Record | None:
    """The record of a queue item that arrived at `arrived` (µs since the epoch, UTC); None for a cue.

    Raises Malformed for what can be no record; its text is one sentence and quotes nothing of the item.
    """
    trimmed = raw.strip()
    if len(trimmed) <= LONGEST_CUE and _cue(trimmed):
        return None
    return record_of(decode(trimmed), trimmed, arrived)


def record_of(item: Item, raw: bytes, arrived: int, known_by: bytes | None = None) -> Record:
    """The record of a decoded item, known by its bytes `raw`, or by another fingerprint; raises Malformed where its
    time is none.
    """
    # What is remembered must stay small, even if a client sends user agents of a megabyte.
    client = caller if len(raw) <= ORDINARY else caller.__wrapped__
    names = (_names if len(raw) <= ORDINARY else _names.__wrapped__)(_words(item))
    return Record(
        *names,
        names,
        *_time(item.timestamp, arrived),
        arrived,
        known_by or blake2b(raw, digest_size=16).digest(),
        line(item.request_id, LABEL),
        item.latency_ms,
        item.ttft_ms or 0,
        *classify(item.executor_type or "", item.provider, item.tokens, item.token_breakdown),
        *_failure(item),
        *client(item.client_ip, item.x_forwarded_for, item.user_agent),
        item.response_headers or None,
    )


def is_refresh(raw: bytes) -> bool:
    """Whether an item is CPA's cue that its configuration or accounts changed."""
    return len(raw) <= LONGEST_CUE and (_cue(raw) or {}).get("refresh") is True


def _cue(raw):
    """The fields of an item that is a cue and no record, else None."""
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) and fields and fields.keys() <= CUES else None


def _time(text, arrived):
    try:
        return believed(text, arrived)
    except ValueError:
        raise Malformed("The field timestamp is no time.") from None


@lru_cache(NAMES_REMEMBERED)
def _names(words):
    """The Names of an item as a tuple: one object for all records that share them."""
    provider, executor, model, alias, source, auth_index, auth_type, key, endpoint, effort, *tiers, failed = words
    executor, key, model = line(executor, LABEL), line(key, None), line(model, None) or "unknown"
    provider = vendor(executor, line(provider, LABEL))[:LABEL]
    auth_type, endpoint = line(auth_type, LABEL), line(endpoint, LABEL)
    asked, asked_early, answered = (line(word, TIER_WORD) for word in tiers)
    return (
        provider,
        executor,
        _without_suffix(model) or "unknown",
        _without_suffix(line(alias, None)) or _without_suffix(model) or "unknown",
        *account(auth_type, line(source, None), key),
        line(auth_index, LABEL),
        auth_type,
        fingerprint(key) if key else "",
        mask(key),
        endpoint,
        billed_tier(family(executor, provider), auth_type, endpoint, asked_early or asked, answered, failed).name,
        line(effort, LABEL),
        asked,
        asked_early,
        answered,
        failed,
    )


def line(text, most):
    """A text without blanks around it and without illegible characters, at most so many characters of it."""
    return legible(text).strip()[:most] if text else ""


def _without_suffix(name):
    """The name of a model without what asks for an effort: `kimi-k2(8191)` is `kimi-k2`."""
    at = name.rfind("(") if name.endswith(")") else -1
    return name[:LABEL] if at < 0 or ")" in name[at:-1] else name[:at].rstrip()[:LABEL]


def _failure(item):
    """(status code as sent, body without secrets, length of the body); of a success only the code is kept."""
    if item.fail is None:
        return 0, "", 0
    body = item.fail.body
    if not item.failed or not body.strip():  # blanks say nothing
        return item.fail.status_code, "", 0
    source, key = item.source.strip(), item.api_key.strip()
    secrets = (source, key) if is_secret(item.auth_type.strip(), source) else (key,)
    return item.fail.status_code, redact(legible(body), *secrets), len(body)


@lru_cache(4096)
def caller(ip: str | None, forwarded_for: str | None, agent: str | None) -> tuple[str, str, str]:
    """The address, the forwarded addresses and the program of a client, as records have them."""
    return line(ip, LABEL), line(forwarded_for, LABEL), line(agent, AGENT)


def limit_headers(headers: Raw | bytes | None) -> dict[str, str]:
    """What response headers say about rate limits and the request's id: lower-case name -> last value.

    Headers of any odd shape give {}; a cookie or anything else that is not asked for never comes out.
    """
    try:
        fields = json.loads(bytes(headers or b"{}").decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return {}
    found = {}
    for name, values in fields.items() if isinstance(fields, dict) else ():
        key, value = name.strip().lower(), _last(values)
        if value and _is_limit(key) and (key in found or len(found) < LIMITS_KEPT):
            found[key] = value
    return found


def _is_limit(name):
    return name in _LIMIT_NAMES or (name.startswith(_LIMIT_PREFIXES) and _HEADER_NAME.fullmatch(name) is not None)


def _last(values):
    """The last of a header's values as a text, '' when it has none."""
    value = values[-1] if isinstance(values, list) and values else values
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return legible(value).strip()[:LIMIT_TEXT] if isinstance(value, str) else ""
