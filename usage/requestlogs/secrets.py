"""Request logs without keys: CPA masks its own headers, but bodies of clients and upstreams may hold keys too."""

import re
import string
from collections.abc import Iterable, Iterator

from django.conf import settings

from aliases.models import ApiKey
from catalog.models import Provider
from cpa_usage.keys import fingerprint, mask
from usage.models import Series
from usage.records.secrecy import masked

# A word that may be a key, if there is a digit in it. Of keys only fingerprints are known here, so each such word is
# compared by its own. A pattern that looks for the digit would read the rest of a long word at each of its characters.
_WORD = re.compile(r"[\w.~+-]{8,200}", re.ASCII)
_DIGIT = re.compile(r"\d", re.ASCII)
_OF_KEYS = f"{string.ascii_letters}{string.digits}_.~+/=-".encode()
_BEARER = b"bearer "  # the word behind it is a key
LONGEST_KEY = 1_000_000  # bytes; a longer word is none


def without_secrets(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A log in pieces with known keys of clients and upstreams masked, and our own, and words that look like keys.

    A key may begin in one piece and end in the next. Memory is that of a piece or two.
    """
    known, rest = _known_keys(), b""
    for piece in pieces:
        rest += piece
        if end := _border(rest, settings.CPA_MANAGEMENT_KEY.encode()):
            yield _masked(rest[:end], known)
            rest = rest[end:]
    yield _masked(rest, known)


def _border(text, own):
    """Where a text that goes on can be cut: behind a character that is in no key, and not within our `own`."""
    most = max(0, len(text) - len(own))
    end = len(text[:most].rstrip(_OF_KEYS))
    if not end and most > LONGEST_KEY:
        end = most - LONGEST_KEY // 2  # within a word that is too long for a key, and far from the next one
    if text[:end][-len(_BEARER) :].lower() == _BEARER:
        end -= len(_BEARER)
    at = text.find(own, max(0, end - len(own) + 1), end + len(own)) if own else -1
    return end if at < 0 else min(at, end)


def _masked(text, known):
    def masked_key(found):
        word = found[0]
        return mask(word) if _DIGIT.search(word) and fingerprint(word) in known else word

    text = _WORD.sub(masked_key, text.decode("utf-8", "surrogateescape"))
    return masked(text, (settings.CPA_MANAGEMENT_KEY,)).encode("utf-8", "surrogateescape")


def _known_keys() -> set[str]:
    keys = set(ApiKey.objects.values_list("fingerprint", flat=True))
    keys |= set(Provider.objects.values_list("key_fingerprint", flat=True))
    return keys | set(Series.objects.values_list("source", flat=True).distinct())
