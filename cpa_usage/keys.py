"""A fingerprint that identifies a key, and a mask that shows a part of it: keys themselves are never stored."""

import re
from functools import lru_cache
from hashlib import sha256

MASK = "****"
CACHED = 4096  # keys; the writer sees the same few a million times

# What the keys of clients and upstreams begin with, in small letters.
PREFIXES = (
    *("sk-", "sk_", "rk_", "pk_", "csk-", "aiza", "aq.", "ya29.", "eyj", "xai-", "gsk_", "hf_", "nvapi-", "pplx-"),
    *("r8_", "tgp_", "fw_", "ghp_", "gho_", "ghu_", "ghs_", "github_pat_", "glpat-", "akia"),
)

# my-project-123456, gen-lang-client-0123456789, us-central1.example.com: words, each perhaps with a short number.
_NAME = re.compile(r"(?:[a-z]+\d{0,4}|\d{1,12})(?:[-._:/]+(?:[a-z]+\d{0,4}|\d{1,12}))+")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@lru_cache(CACHED)
def fingerprint(key: str) -> str:
    """SHA-256 of the key, 64 lower-case hexadecimal digits; the key is taken as it is, blanks included."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(CACHED)
def mask(key: str) -> str:
    """The key with its middle hidden; counted in characters, and the mask of a mask is that mask."""
    if len(key) <= 4:
        return "*" * len(key)
    shown = 1 if len(key) <= 8 else 4
    return key[:shown] + MASK + key[-shown:]


def is_fingerprint(text: str) -> bool:
    """Whether the text has the form `fingerprint` gives."""
    return _FINGERPRINT.fullmatch(text) is not None


def fingerprint_of(text: str) -> str:
    """The fingerprint of a key given as it is or by its fingerprint."""
    return text.lower() if is_fingerprint(text.lower()) else fingerprint(text)


def looks_like_a_key(text: str) -> bool:
    """Whether a text begins as keys do; an e-mail address is none."""
    return "@" not in text and text.lower().startswith(PREFIXES)


def looks_random(text: str) -> bool:
    """Whether a text is as long and as mixed as a key without a known beginning; names made of words are not."""
    mixed = any(c.isalpha() for c in text) and any(c.isdigit() for c in text)
    return len(text) >= 20 and mixed and not _NAME.fullmatch(text)


def account_name(text: str) -> str:
    """An account as usage names it: what looks like a key is not kept, only its fingerprint."""
    is_name = is_fingerprint(text) or "@" in text or any(character.isspace() for character in text)
    is_key = not is_name and (looks_like_a_key(text) or looks_random(text))
    return fingerprint(text) if is_key else text
