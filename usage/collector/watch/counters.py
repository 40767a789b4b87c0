"""Pure: CPA's own counters against the records that came, account by account."""

import re
from collections import Counter
from typing import NamedTuple

_AUTH_INDEX = re.compile(rb'"auth_index": ?"([0-9a-f]{1,64})"')
_HEAD_BYTES = 4096  # of a record, in which CPA names the account


class Received(Counter):
    """How many records of each account came, by auth_index: the reader counts, the watch copies."""

    def add(self, records):
        """Count these records; those that name no account are left out."""
        for record in records:
            if found := _AUTH_INDEX.search(record, 0, _HEAD_BYTES):
                self[bytes(found[1]).decode()] += 1


class Round(NamedTuple):
    """CPA's counters at one moment (µs since the epoch), and what had come before and a little after they were read.

    `complete`: whether all that was queued when the counters were read has come. `subscribed`: whether we were
    subscribed all the time.
    """

    at: int
    counted: dict[str, int]
    before: dict[str, int]
    after: dict[str, int]
    complete: bool
    subscribed: bool


class Comparison:
    """How far CPA's counters are ahead of the records that came, for each account.

    CPA counts an attempt and hands its record on a moment later, so each round bounds the difference from both sides.
    What is found missing is certain to the record; that a difference was never smaller than `base` is not assumed of
    the future: CPA also writes records that it does not count.
    """

    def __init__(self, base: dict[str, int] | None = None, agreed_at: int | None = None):
        """`base`: the difference of each account when counters and records last agreed, at `agreed_at` (µs)."""
        self.base, self.agreed_at = dict(base or {}), agreed_at
        self._counted: dict[str, int] = {}

    def missing(self, found: Round) -> dict[str, int]:
        """How many records of each account have not come since counters and records last agreed."""
        if any(found.counted.get(account, 0) < count for account, count in self._counted.items()):
            self.agree(found)  # CPA has restarted, or dropped an account
        self._counted = found.counted
        missing = {}
        for account, count in found.counted.items():
            least, most = count - found.after.get(account, 0), count - found.before.get(account, 0)
            base = self.base.setdefault(account, most)
            if least > base:
                missing[account] = least - base
            self.base[account] = min(base, most)
        if not missing:
            self.agreed_at = found.at
        return missing

    def at_most(self, found: Round) -> dict[str, int]:
        """An upper bound of missing(): records that are still on their way count too."""
        ahead = {account: count - found.before.get(account, 0) for account, count in found.counted.items()}
        return {a: n - self.base.get(a, n) for a, n in ahead.items() if n > self.base.get(a, n)}

    def agree(self, found: Round):
        """Start over from this round: what is missing so far is accounted for."""
        self.base = {account: count - found.before.get(account, 0) for account, count in found.counted.items()}
        self.agreed_at = found.at
