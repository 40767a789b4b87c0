"""Errors of CPA's management API, as sentences that say what to set and hold no key."""

import re

from django.conf import settings

from catalog.facts import error_words, without_secrets

SET_KEY = "Set CPA_MANAGEMENT_KEY to the remote-management secret-key of CPA's config."
RUNNING = "Is it running? Set CPA_BASE_URL to its address."
QUOTE_CHARACTERS = 200


class Problem(Exception):
    """CPA did not do what it was asked for; the text is shown to users."""


class Refused(Problem):
    """CPA refuses the management key or bans our address: it must not be tried again soon."""


class Unavailable(Problem):
    """CPA is away, too slow, or answers with an error or something unexpected."""


class Unreachable(Unavailable):
    """Nothing answers at the address: another request would fail as well."""


class NotOffered(Unavailable):
    """This CPA has no `name`: it is older, or its management API is off."""

    def __init__(self, name: str):
        words = "it is an old version, or its management API is off. Set remote-management secret-key in CPA's config."
        super().__init__(f"CPA has no {name}: {words}")
        self.name = name


def problem_of(name: str, status: int, body: bytes) -> Unavailable:
    """The problem that an error reply to a request for `name` stands for."""
    if status == 404:
        return NotOffered(name)
    if 300 <= status < 400:
        return Unavailable(f"CPA_BASE_URL leads elsewhere ({status}): set it to the address it redirects to.")
    words = quoted(error_words(body))
    return Unavailable(f"CPA answers {status} for {name}: {words or 'no reason given'}.")


def refusal_of(body: bytes) -> str:
    """The sentence for a 401 or 403."""
    words = quoted(error_words(body))
    if "remote management" in words.lower():
        return f"CPA takes no management from here ({words}): set remote-management allow-remote in CPA's config."
    if "banned" in words.lower():
        return f"CPA has banned our address: {words}. {SET_KEY}"
    return f"CPA refuses the management key ({words or 'no reason given'}). {SET_KEY}"


def quoted(words: object) -> str:
    """Foreign text, safe to log: one short line without our key, which some servers repeat."""
    text = str(words)
    if settings.CPA_MANAGEMENT_KEY:
        text = text.replace(settings.CPA_MANAGEMENT_KEY, "****")
    return without_secrets(re.sub(r"[^\x20-\x7e]+", " ", text).strip()[:QUOTE_CHARACTERS]).rstrip(".")
