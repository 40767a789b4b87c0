"""Pure: the bytes of CPA's replies -> typed values. Keys leave here only as fingerprint and mask.

Tolerant about entries: fields may be absent, null or of another type, entries may be no objects. Strict about the
reply: one without a list of that name must not be taken for an empty list.
"""

import re
from urllib.parse import urlsplit

import msgspec

from cpa_usage.keys import fingerprint, mask

COMPATIBLE = "openai-compatibility"
PROVIDER_LISTS = {  # the list's name -> provider_type of its entries
    "gemini-api-key": "gemini",
    "interactions-api-key": "gemini-interactions",
    "claude-api-key": "claude",
    "codex-api-key": "codex",
    "xai-api-key": "xai",
    "vertex-api-key": "vertex",
    COMPATIBLE: COMPATIBLE,
}
# Fields of an auth file that are taken as they are: texts with the most characters of each, and flags.
ACCOUNT_TEXTS = {"auth_index": 64, "name": 255, "email": 255, "label": 255, "status": 64, "source": 64}
ACCOUNT_FLAGS = ("disabled", "unavailable", "runtime_only")
MOST_MODELS = 10_000
_SECRET = re.compile(r"(?<![\w.-])[\w.-]{19,}\w", re.ASCII)  # if there is a digit in it


Row = dict[str, str | bool]  # fields of catalog.models.AuthFile or Provider


class UnexpectedReply(ValueError):
    """A reply that is not what CPA sends."""


def auth_files(body: bytes) -> list[Row]:
    """The reply to auth-files; entries without an auth_index cannot be referred to and are left out."""
    return [row for row in map(_auth_file, _entries(body, "files")) if row["auth_index"]]


def file_counts(body: bytes) -> dict[str, int]:
    """The reply to auth-files: attempts CPA counted since it started, by auth_index."""
    counts = {_text(entry, "auth_index", 64): _attempts(entry) for entry in _entries(body, "files")}
    return {index: count for index, count in counts.items() if index}


def provider_keys(list_name: str, body: bytes) -> list[Row]:
    """The reply to one of PROVIDER_LISTS; entries without an auth-index are left out."""
    provider_type, vendors = PROVIDER_LISTS[list_name], _entries(body, list_name)
    rows = [_provider_key(provider_type, vendor, entry) for vendor in vendors for entry in _keys_of(vendor)]
    return [row for row in rows if row["auth_index"]]


def key_counts(body: bytes) -> dict[tuple[str, str], int]:
    """The reply to api-key-usage: attempts CPA counted since it started, by address and fingerprint of the key."""
    counts: dict[tuple[str, str], int] = {}
    for keys in _object(body).values():
        for name, entry in keys.items() if isinstance(keys, dict) else ():
            url, _, key = name.partition("|")
            named = _address(url), fingerprint(key)
            counts[named] = counts.get(named, 0) + _attempts(entry)
    return counts


def client_key(body: bytes) -> str:
    """The first of CPA's client keys, '' when it has none. Raw: for asking /v1/models and nothing else."""
    return next((key for key in _list(body, "api-keys") if isinstance(key, str) and key.strip()), "")


def model_names(body: bytes) -> list[str]:
    """The reply to /v1/models, sorted (CPA's order changes each time)."""
    return sorted({name for entry in _entries(body, "data") if (name := _text(entry, "id"))})[:MOST_MODELS]


def switch(name: str, body: bytes) -> bool:
    """The reply to GET of one of CPA's switches."""
    return _of_type(bool, _object(body).get(name))


def queue_retention(body: bytes) -> int | None:
    """The reply to config: the seconds for which CPA keeps a record that is not popped; None in older versions."""
    seconds = _of_type(float | None, _object(body).get("redis-usage-queue-retention-seconds"))
    return None if seconds is None else int(seconds)


def error_words(body: bytes) -> str:
    """The text of an error reply; '' when it is not one of CPA's."""
    try:
        return _text(_object(body), "error", 200)
    except UnexpectedReply:
        return ""


def _auth_file(entry):
    token = entry.get("id_token")
    type, provider = _text(entry, "type", 64), _text(entry, "provider", 64)
    return {
        **{name: _text(entry, name, most) for name, most in ACCOUNT_TEXTS.items()},
        **{name: _flag(entry, name) for name in ACCOUNT_FLAGS},
        "type": type or provider,
        "provider": provider or type,
        "status_message": without_secrets(_text(entry, "status_message", 1024))[:500],
        "plan": _text(token, "plan_type", 64) if isinstance(token, dict) else "",
    }


def _provider_key(provider_type, vendor, entry):
    """A key; an OpenAI-compatible vendor has name, prefix and address for all of its keys."""
    key = entry.get("api-key")
    key = key.strip() if isinstance(key, str) else ""
    return {
        "auth_index": _text(entry, "auth-index", 64),
        "provider_type": provider_type,
        "name": _text(vendor, "name") if provider_type == COMPATIBLE else "",
        "prefix": _text(vendor, "prefix"),
        "base_url": _address(_text(vendor, "base-url", 4096)),
        "key_fingerprint": fingerprint(key) if key else "",
        "key_mask": mask(key).replace("\0", ""),
        "disabled": _flag(vendor, "disabled") or _flag(entry, "disabled"),
    }


def _keys_of(vendor):
    """The entries for the keys of an OpenAI-compatible vendor; without keys it is an entry itself, as others are."""
    entries = vendor.get("api-key-entries")
    keys = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return keys or [vendor]


def _object(body):
    try:
        return msgspec.json.decode(body, type=dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnexpectedReply from None


def _of_type(kind, value):
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise UnexpectedReply from None


def _list(body, name):
    """CPA says null for an empty list."""
    return _of_type(list | None, _object(body).get(name, "")) or []


def _entries(body, name):
    return [entry for entry in _list(body, name) if isinstance(entry, dict)]


def _text(entry, name, most=255):
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).replace("\0", "").strip()[:most]  # PostgreSQL takes no NUL in a text


def _flag(entry, name):
    return str(entry.get(name)).lower() == "true"


def _count(entry, name):
    value = entry.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15 else 0


def _attempts(counts):
    return _count(counts, "success") + _count(counts, "failed") if isinstance(counts, dict) else 0


def _address(url):
    """Scheme, host and path: a password or key may stand in the rest."""
    try:
        parts = urlsplit(url)
        netloc = parts.netloc.rpartition("@")[2]
    except ValueError:  # a bracket left open
        return ""
    return f"{parts.scheme}://{netloc}{parts.path}"[:500] if netloc else parts.path.rpartition("@")[2][:500]


def without_secrets(words):
    """Upstreams often repeat the key they refuse."""
    return _SECRET.sub(lambda found: mask(found[0]) if any(map(str.isdigit, found[0])) else found[0], words)
