"""The items of an alias file, ours or the original's. Pure: all are read before anything is written."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cpa_usage.keys import fingerprint, is_fingerprint, mask


class KeyName(NamedTuple):
    """The new name of a key, and its mask ('' when unknown)."""

    mask: str
    alias: str


def key_names(items: Iterable[Mapping]) -> tuple[dict[str, KeyName], int]:
    """Names by fingerprint, the last of several for one key, and how many items had a blank key or alias."""
    names, skipped = {}, 0
    for item in items:
        key_id, api_key, alias = (_text(item, name) for name in ("key_id", "api_key", "alias"))
        if alias and (key_id or api_key):
            found, shown = _key(key_id, api_key)
            names[found] = KeyName(shown, alias)
        else:
            skipped += 1
    return names, skipped


def is_mask(text: str) -> bool:
    """Whether the text looks like a masked key, from which the key cannot be told."""
    return mask(text) == text


def _text(item, name):
    return (item.get(name) or "").strip()


def _key(key_id, api_key):
    """Fingerprint and mask. Our own export has the mask under api_key, and the mask of a mask is that mask."""
    if key_id:
        return key_id, "" if is_fingerprint(api_key) or not api_key else mask(api_key)
    if is_fingerprint(api_key):
        return api_key, ""
    return fingerprint(api_key), mask(api_key)
