"""What must not be kept: upstream keys among the sources, and keys that error messages repeat."""

import re
from functools import lru_cache

from django.conf import settings

from cpa_usage.keys import fingerprint, looks_like_a_key, looks_random, mask

BODY = 4096  # characters kept of an error body
WINDOW = 4 * BODY  # read of it first: what is cut off need not be searched
SHORT = 1024  # bodies up to here are remembered with their outcome
LABEL = 255

_ECHOED = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|rk|pk|csk|xai|gsk|hf|nvapi|pplx|r8|tgp|fw|gh[opsu]|github_pat|glpat)[-_][\w-]{6,}"
    r"|AIza[\w-]{6,}|ya29\.[\w-]{6,}|AKIA[A-Z0-9]{12,}|eyJ[\w-]{8,}(?:\.[\w-]+)*"
    r"|(?i:(?<=bearer )(?!authenti|authori)(?:[\w.~+/=-]{8,}|(?=[a-z]*\d)[\w-]{4,7})))",
    re.ASCII,
)

# What stands behind the names of a record's secrets, quoted or not, whole or cut off.
_NAMED = re.compile(
    r'("(?:api_key|source|access_token\w*|(?:proxy-)?authorization|x-api-key|set-cookie|cookie)"\s*:\s*[\["\s]*)'
    r'((?:[^"\\\]},]|\\.)+)',
    re.IGNORECASE,
)


@lru_cache(4096)
def account(auth_type: str, source: str, client_key: str = "") -> tuple[str, str]:
    """(source, how to show it): an e-mail or name as it is, an upstream key as its fingerprint and mask.

    Where an account has no name, CPA repeats the client's own key: that is no account.
    """
    if source == client_key:
        return "", ""
    if is_secret(auth_type, source):
        return fingerprint(source), mask(source)
    return source[:LABEL], source[:LABEL]


def is_secret(auth_type: str, source: str) -> bool:
    """Whether a source is an upstream key: said by its auth type, or else seen by its looks."""
    kind = auth_type.lower().replace("-", "").replace("_", "").replace(" ", "")
    if not source or kind == "apikey":
        return bool(source)
    if any(map(looks_like_a_key, source.split())):  # also behind a word such as Bearer
        return True
    if "@" in source or any(character.isspace() for character in source):
        return False
    return kind != "oauth" and looks_random(source)


def shown(raw: bytes) -> str:
    """The beginning of a raw record, read or not, with its keys masked: whatever stands where one would."""
    text = raw[:WINDOW].decode("utf-8", "replace")
    return redact(_NAMED.sub(lambda found: found[1] + mask(found[2]), text))


def redact(body: str, *secrets: str) -> str:
    """The first BODY characters of an error body, with masks for the secrets it repeats and for what looks like one."""
    secrets = (*secrets, settings.CPA_MANAGEMENT_KEY)
    return _redact_again(body, secrets) if len(body) <= SHORT else _redact(body, secrets)


def _redact(body, secrets):
    text = masked(body[:WINDOW], secrets)
    # Masks shorten: where they did so by much, a key that the window cut in two might have moved into sight.
    if len(body) > WINDOW and (len(text) < WINDOW // 2 or any(len(secret) > BODY for secret in secrets)):
        text = masked(body, secrets)
    return text[:BODY]


_redact_again = lru_cache(1024)(_redact)  # upstreams say the same few sentences over and over


def masked(text: str, secrets) -> str:
    """The text with masks for these secrets and for what looks like one."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        if len(secret) >= 8:
            text = text.replace(secret, mask(secret))
        elif secret in text:  # as a word only: "dev" is a key somewhere and part of many words everywhere
            text = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", mask(secret), text)
    return _ECHOED.sub(lambda echoed: mask(echoed[0]), text)
