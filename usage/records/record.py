"""One raw queue item of CPA -> a typed record with its tokens in disjoint classes. Knows nothing of Django."""

import json
import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from msgspec import Raw, Struct

from cpa_usage.keys import fingerprint, mask
from usage.records.decoding import Malformed, decode, legible
from usage.records.secrecy import LABEL, account, is_secret, redact
from usage.records.timestamps import believed
from usage.records.tokens import classify, family

__all__ = ["Malformed", "Record", "is_refresh", "limit_headers", "parse"]

TIER_WORD = 64  # characters kept of a service tier as sent
AGENT = 512
ORDINARY = 8192  # bytes; nearly every record is shorter
LONGEST_CUE = 100  # bytes
CUES = {"refresh", "support_refresh"}
LIMITS_KEPT = 64
LIMIT_TEXT = 256

_TIERS = {"flex": "flex", "priority": "priority", "fast": "priority", "batch": "batch"}
_TIERED = {"codex", "xai", "openaicompat"}  # executors that pass the tier asked for on to who bills it
_HEADER_NAME = re.compile(r"[a-z0-9_-]{1,100}")
_LIMIT_NAMES = {"retry-after", "request-id", "x-request-id"}
_LIMIT_PREFIXES = ("x-codex-", "anthropic-ratelimit-", "x-ratelimit-")


class Names(NamedTuple):
    """What records have in common with many others; see Record for what each says."""

    provider: str
    executor_type: str
    model: str
    requested_model: str
    source: str
    source_display: str
    auth_index: str
    auth_type: str
    api_key: str
    api_key_mask: str
    endpoint: str
    tier: str
    reasoning_effort: str
    service_tier: str
    request_service_tier: str
    response_service_tier: str
    failed: bool


class Record(Struct, gc=False):
    """One upstream attempt. Times are µs since the epoch, UTC; texts are never None."""

    timestamp: int
    claimed: int | None  # the time it claimed, where that was not believed; then timestamp is the arrival
    arrived: int
    fingerprint: bytes  # BLAKE2b-128 of the raw item
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
    tier: str  # '', flex, priority or batch: what it is billed as
    reasoning_effort: str
    service_tier: str
    request_service_tier: str
    response_service_tier: str
    failed: bool
    names: Names  # the fields from provider to failed again: one object for all records that share them
    request_id: str
    latency_ms: int
    ttft_ms: int
    uncached: int
    cache_read: int
    cache_write: int
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
        """All classified input, cached or not: what a context step of a price is measured by."""
        return self.uncached + self.cache_read + self.cache_write


def parse(raw: bytes, arrived: int) -> Record | None:
    """The record of a queue item that arrived at `arrived` (µs since the epoch, UTC); None for a cue.

    Raises Malformed for what can be no record; its text is one sentence and quotes nothing of the item.
    """
    trimmed = raw.strip()
    if len(trimmed) <= LONGEST_CUE and _cue(trimmed):
        return None
    item = decode(trimmed)
    # What is remembered must stay small, even if a client sends user agents of a megabyte.
    names_of, client = (_names, _client) if len(trimmed) <= ORDINARY else (_names.__wrapped__, _client.__wrapped__)
    timestamp, claimed = _time(item.timestamp, arrived)
    failed = item.failed
    names = names_of(
        item.provider,
        item.executor_type,
        item.model,
        item.alias,
        item.source,
        item.auth_index,
        item.auth_type,
        item.api_key,
        item.endpoint,
        item.reasoning_effort,
        item.service_tier,
        item.request_service_tier,
        item.response_service_tier,
        failed,
    )
    return Record(
        timestamp,
        claimed,
        arrived,
        blake2b(trimmed, digest_size=16).digest(),
        *names,
        names,
        _line(item.request_id, LABEL),
        item.latency_ms,
        item.ttft_ms or 0,
        *classify(item.executor_type or "", item.provider, item.tokens, item.token_breakdown),
        *(_failure(item) if failed else (0, "", 0)),
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


@lru_cache(8192)
def _names(  # noqa: PLR0917  named arguments would double the cost of a hit
    provider,
    executor,
    model,
    alias,
    source,
    auth_index,
    auth_type,
    api_key,
    endpoint,
    effort,
    asked,
    asked_early,
    answered,
    failed,
):
    """The Names of an item's own words; remembered, for records repeat them."""
    provider, executor, auth_type = _line(provider, LABEL), _line(executor, LABEL), _line(auth_type, LABEL)
    model, key = _line(model, None) or "unknown", _line(api_key, None)
    asked, asked_early, answered = (_line(word, TIER_WORD) for word in (asked, asked_early, answered))
    return Names(
        provider,
        executor,
        model[:LABEL],
        _without_suffix(_line(alias, None)) or _without_suffix(model) or "unknown",
        *account(auth_type, _line(source, None)),
        _line(auth_index, LABEL),
        auth_type,
        fingerprint(key) if key else "",
        mask(key),
        _line(endpoint, LABEL),
        _tier(family(executor, provider), asked_early or asked, answered, failed),
        _line(effort, LABEL),
        asked,
        asked_early,
        answered,
        failed,
    )


def _line(text, most):
    """A text without blanks around it and without illegible characters, at most so many characters of it."""
    return legible(text).strip()[:most] if text else ""


def _without_suffix(name):
    """The name asked for without what asks for an effort: `kimi-k2(8191)` is `kimi-k2`."""
    at = name.rfind("(") if name.endswith(")") else -1
    return name[:LABEL] if at < 0 or ")" in name[at:-1] else name[:at].rstrip()[:LABEL]


def _tier(executor, asked, answered, failed):
    """What the attempt is billed as: what the upstream says or else, where that counts, what it was asked for."""
    if not answered and (failed or executor not in _TIERED):
        return ""
    return _TIERS.get((answered or asked).lower(), "")


def _failure(item):
    """(status code, body without secrets, length of the body)."""
    if item.fail is None:
        return 0, "", 0
    body = item.fail.body
    if not body.strip():  # blanks say nothing
        return item.fail.status_code, "", 0
    source, key = item.source.strip(), item.api_key.strip()
    secrets = (source, key) if is_secret(item.auth_type.strip(), source) else (key,)
    return item.fail.status_code, redact(legible(body), *secrets), len(body)


@lru_cache(4096)
def _client(ip, forwarded_for, agent):
    return _line(ip, LABEL), _line(forwarded_for, LABEL), _line(agent, AGENT)


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
