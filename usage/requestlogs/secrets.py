"""Request logs without keys: CPA masks its own headers, but bodies of clients and upstreams may hold keys too."""

import re
from functools import cache

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


def without_secrets(body: bytes) -> bytes:
    """The log with known keys of clients and upstreams masked, and our own, and words that look like keys."""
    known = _known_keys()

    @cache
    def masked_key(word):
        return mask(word) if _DIGIT.search(word) and fingerprint(word) in known else word

    text = _WORD.sub(lambda found: masked_key(found[0]), body.decode("utf-8", "surrogateescape"))
    return masked(text, (settings.CPA_MANAGEMENT_KEY,)).encode("utf-8", "surrogateescape")


def _known_keys() -> set[str]:
    keys = set(ApiKey.objects.values_list("fingerprint", flat=True))
    keys |= set(Provider.objects.values_list("key_fingerprint", flat=True))
    return keys | set(Series.objects.values_list("source", flat=True).distinct())
