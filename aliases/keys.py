"""Client keys as this product knows them: see cpa_usage.keys, which catalog shares for the keys of upstreams."""

from cpa_usage.keys import fingerprint, is_fingerprint, mask

__all__ = ["fingerprint", "is_fingerprint", "mask"]
