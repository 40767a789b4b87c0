"""From the bytes of a queue item to typed fields: a fast decoder for what CPA sends, a tolerant one for all else."""

import json
import re
from contextlib import suppress
from types import NoneType
from typing import Annotated, get_args

from msgspec import Meta, MsgspecError, Raw, Struct, structs
from msgspec.json import Decoder

from usage.records.unknown import unknown_fields

MOST = 10**9  # no request has more tokens, no attempt lasts longer (11 days): sums of such figures fit 64 bits

NOTHING = Raw(b"")
DAMAGED = b"Damaged on the disk"  # so begins what the spool has in place of records that the disk lost

Count = Annotated[int, Meta(ge=0, le=MOST)]


class Malformed(Exception):
    """A record that cannot be read. The text is one sentence and quotes nothing of the record."""


class TokenCounts(Struct, gc=False, forbid_unknown_fields=True):
    """CPA's `tokens`: what an input or output figure includes depends on the executor (see tokens.py)."""

    input_tokens: Count
    output_tokens: Count
    reasoning_tokens: Count
    cached_tokens: Count
    total_tokens: Count
    cache_read_tokens: Count | None = None
    cache_creation_tokens: Count | None = None
    cache_creation_5m_tokens: Count | None = None
    cache_creation_1h_tokens: Count | None = None
    cache_read_tokens_present: bool = False  # says nothing to us


class InputTokens(Struct, gc=False):
    """The input of a breakdown, free of overlap."""

    total_tokens: Count
    uncached_tokens: Count
    cache_read_tokens: Count
    cache_write_tokens: Count


class OutputTokens(Struct, gc=False):
    """The output of a breakdown, free of overlap."""

    total_tokens: Count
    non_reasoning_tokens: Count
    reasoning_tokens: Count


class Breakdown(Struct, gc=False):
    """CPA's `token_breakdown`, schema 2."""

    schema_version: int
    quality: str
    total_tokens: Count
    input: InputTokens
    output: OutputTokens
    unclassified_tokens: Count


class Fail(Struct, gc=False):
    """What the upstream, or CPA in its place, answered."""

    status_code: Count
    body: str


class Item(Struct, gc=False, forbid_unknown_fields=True):
    """A queue item as sent: fields of every CPA version since 6.9 are required, later ones None when absent.

    Fields that say nothing to us are named too: what has no other field holds none that is written in other letters.
    """

    timestamp: str
    latency_ms: Count
    source: str
    auth_index: str
    tokens: TokenCounts
    failed: bool
    provider: str
    model: str
    endpoint: str
    auth_type: str
    api_key: str
    request_id: str
    alias: str | None = None
    fail: Fail | None = None
    response_headers: Raw = NOTHING
    reasoning_effort: str | None = None
    ttft_ms: Count | None = None
    service_tier: str | None = None
    executor_type: str | None = None
    response_service_tier: str | None = None
    request_service_tier: str | None = None
    client_ip: str | None = None
    x_forwarded_for: str | None = None
    user_agent: str | None = None
    token_breakdown: Breakdown | None = None
    generate: Raw = NOTHING
    accounting_version: Raw = NOTHING
    access_token_sha256: Raw = NOTHING


class NewerCounts(TokenCounts, gc=False, forbid_unknown_fields=False):
    """Tokens, some in fields that we do not know."""


class NewerItem(Item, gc=False, forbid_unknown_fields=False):
    """An item with fields that we do not know."""

    tokens: NewerCounts


_FAULTS = (MsgspecError, UnicodeError, RecursionError)
_decode = Decoder(Item).decode
_decode_newer = Decoder(NewerItem).decode


def decode(raw: bytes) -> Item:
    """The fields of an item; raises Malformed for what is no JSON object or has a type or figure that cannot be."""
    try:
        return _decode(raw)
    except _FAULTS:
        item = _decode_other(raw)
    if unknown_fields.wants_next():
        with suppress(Malformed, RecursionError):  # nested too deeply for the tolerant decoder
            unknown_fields.add(_unknown(_json(raw)))
    return item


def is_known(name: str) -> bool:
    """Whether a field of an item, or as tokens.name one of its tokens, means something to us."""
    return name.strip().lower() in _KNOWN


def _unknown(fields):
    """Names of unknown fields of an item and of its tokens."""
    tokens = next((value for name, value in fields.items() if name.strip().lower() == "tokens"), None)
    # Of two fields of this name in other letters, the one that was not read may be anything.
    names = [*fields, *(f"tokens.{name}" for name in (tokens if isinstance(tokens, dict) else ()))]
    return (name for name in names if not is_known(name))


def _decode_other(raw):
    try:
        item = _decode_newer(raw)
    except _FAULTS:
        return tolerant(raw)
    return tolerant(raw) if _misspelt(item, raw) else item


def _misspelt(item, raw):
    """Whether a field that seems absent is there after all: null, or written in other letters."""
    lower = raw.lower()
    absent = (quoted for name, quoted in _OPTIONAL if getattr(item, name) is None or getattr(item, name) is NOTHING)
    return any(quoted in lower for quoted in absent)


def tolerant(raw: bytes) -> Item:
    """The fields of an item in any legible spelling: keys in any case, bytes that are no UTF-8, 12.0 for 12, nulls."""
    try:
        return _object(Item, _json(raw), "")
    except RecursionError:  # of reading it, or of writing a part of it again
        raise Malformed("It is nested too deeply.") from None


def _json(raw):
    try:
        # Not strict: control characters inside a text do no harm.
        return json.loads(raw.decode("utf-8", "replace").lstrip("\ufeff"), strict=False)
    except ValueError:
        raise Malformed("It is not JSON.") from None


def _object(kind, value, path):
    """A struct of `kind` from a JSON object read leniently; `path` names it in errors."""
    if not isinstance(value, dict):
        raise Malformed(f"{path or 'It'} is not a JSON object.")
    values = {key.strip().lower(): item for key, item in value.items()} | value
    if kind is Breakdown and values.get("schema_version") != 2:
        return None  # another schema may have any shape and says nothing to us
    inner = f"{path}." if path else ""
    return kind(**{name: read(values.get(name), inner + name) for name, read in _READERS[kind].items()})


def _text(value, path):
    """A text, '' when absent; never with NUL or lone surrogates, which databases and UTF-8 refuse."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"The field {path} is not a text.")
    return legible(value)


def _count(value, path):
    """A whole number from 0 to MOST; 0 when absent or negative."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"The field {path} is not a whole number.")
    if value > MOST:
        raise Malformed(f"The field {path} is larger than any real figure.")
    return max(value, 0)


def _flag(value, path):
    """True or false; false when absent."""
    if value is not None and not isinstance(value, bool):
        raise Malformed(f"The field {path} is neither true nor false.")
    return bool(value)


def _raw(value, path):
    """Any value, as JSON; NOTHING when absent."""
    return NOTHING if value is None else Raw(json.dumps(value).encode())


_ILLEGIBLE = re.compile("[\x00\ud800-\udfff]")


def legible(text: str) -> str:
    """The text with U+FFFD for NUL and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    return text if text.isprintable() else _ILLEGIBLE.sub("\ufffd", text)


def _reader(kind):
    """What reads a field of this type of a struct."""
    if kind == Count | None:
        return lambda value, path: None if value is None else _count(value, path)
    if NoneType in get_args(kind):
        kind = get_args(kind)[0]
    simple = {str: _text, int: _count, Count: _count, bool: _flag, Raw: _raw}
    return simple.get(kind) or (lambda value, path: _object(kind, {} if value is None else value, path))


UNREAD = ("generate", "accounting_version", "access_token_sha256")
_READERS = {
    kind: {field.name: _reader(field.type) for field in structs.fields(kind) if field.name not in UNREAD}
    for kind in (Item, TokenCounts, Breakdown, InputTokens, OutputTokens, Fail)
}
_KNOWN = {field.name for field in structs.fields(Item)} | {f"tokens.{name}" for name in TokenCounts.__struct_fields__}
_OPTIONAL = [(field.name, f'"{field.name}"'.encode()) for field in structs.fields(Item) if not field.required]
