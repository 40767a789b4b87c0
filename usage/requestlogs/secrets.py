"""CPA's request logs without keys: CPA masks its own headers, but clients and upstreams write keys into bodies too."""

import re

from django.conf import settings

from aliases.models import ApiKey
from catalog.models import Provider
from cpa_usage.keys import fingerprint, mask
from usage.models import Series
from usage.records.secrecy import masked

# What may be a key: only its fingerprint is known here, so every such word is compared with it.
_WORD = re.compile(r"(?=[\w.~+-]*\d)[\w.~+-]{8,200}", re.ASCII)


def without_secrets(body: bytes) -> bytes:
    """The log with masks for every key of a client or an upstream that is known, for our own, and for lookalikes."""
    known, seen = _known(), {}

    def judged(found):
        word = found[0]
        if word not in seen:
            seen[word] = mask(word) if fingerprint(word) in known else word
        return seen[word]

    text = _WORD.sub(judged, body.decode("utf-8", "surrogateescape"))
    return masked(text, (settings.CPA_MANAGEMENT_KEY,)).encode("utf-8", "surrogateescape")


def _known() -> set[str]:
    keys = set(ApiKey.objects.values_list("fingerprint", flat=True))
    keys |= set(Provider.objects.values_list("key_fingerprint", flat=True))
    return keys | set(Series.objects.values_list("source", flat=True).distinct())
