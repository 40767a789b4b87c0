"""Counting failed logins per address, as CPA does: five in a row ban the address, over RESP and HTTP alike."""

from collections.abc import Callable
from hmac import compare_digest

MAX_FAILURES = 5


class Refused(Exception):
    """A login that CPA turns down; `status` is what HTTP answers, the text what both protocols say."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Bans:
    """Who may log in. `ban_seconds` is how long five failures lock an address out; the clock counts seconds."""

    def __init__(self, key: str, ban_seconds: float, clock: Callable[[], float]):
        self.key, self.ban_seconds, self.clock = key, ban_seconds, clock
        self.failures = 0
        self._counts: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def check(self, address: str, key: str) -> None:
        """Raise Refused unless this address is not banned and the key is right; a good login clears the count."""
        self._refuse_banned(address)
        if not key:
            self._fail(address)
            raise Refused(401, "missing management key")
        if not compare_digest(key.encode(), self.key.encode()):
            self._fail(address)
            raise Refused(401, "invalid management key")
        self._counts.pop(address, None)

    def forget(self) -> None:
        """What a restart does: counts and bans live in memory only."""
        self._counts.clear()
        self._until.clear()

    def _refuse_banned(self, address: str) -> None:
        if (until := self._until.get(address)) is None:
            return
        left = until - self.clock()
        if left > 0:
            raise Refused(403, f"IP banned due to too many failed attempts. Try again in {go_duration(left)}")
        del self._until[address]

    def _fail(self, address: str) -> None:
        self.failures += 1
        self._counts[address] = self._counts.get(address, 0) + 1
        if self._counts[address] >= MAX_FAILURES:
            self._until[address] = self.clock() + self.ban_seconds
            del self._counts[address]


def go_duration(seconds: float) -> str:
    """Rounded to seconds and written as Go writes a duration: `30m0s`, `59s`, `1h0m0s`."""
    hours, rest = divmod(int(seconds + 0.5), 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
