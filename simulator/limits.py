"""Upstream response headers, with the rate-limit figures an account would see at an instant."""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from random import Random
from zlib import crc32

from simulator.accounts import Account
from simulator.failures import Failure
from simulator.gotime import NANOSECONDS

HOUR = 3600
FIVE_HOURS, WEEK = 5 * HOUR, 7 * 24 * HOUR
SLOT = 300  # how often the figures move; windows end where one begins, so no reset lies in the past
_DATE, _ID = "\0date", "\0id"
_EVENT_STREAM, _JSON = "text/event-stream", "application/json; charset=utf-8"


class Upstream:
    """What one account's upstream sends along. Instants are ns since the epoch."""

    def __init__(self, account: Account):
        self.account = account
        self._slot = self._shift = -1
        self._rendered: dict[bool, tuple[str, str, str]] = {}
        self._identity = ""

    def identity(self, instant: int) -> str:
        """Source, index and, for OAuth, the hash of a token that is renewed every eight hours."""
        shift = instant // (8 * HOUR * NANOSECONDS)
        if shift != self._shift:
            self._shift, self._identity = shift, _identity(self.account, shift)
        return self._identity

    def headers(self, instant: int, stream: bool, date: str, identifier: int) -> str:
        """The inside of `response_headers` of a success; names in Go's order, which is the alphabet's."""
        slot = instant // (SLOT * NANOSECONDS)
        if slot != self._slot:
            self._slot = slot
            self._rendered.clear()
        parts = self._rendered.get(stream)
        if parts is None:
            parts = self._rendered[stream] = _split(_render(_headers(self.account, instant // NANOSECONDS, stream)))
        return f"{parts[0]}{date}{parts[1]}{identifier:016x}{parts[2]}"

    def failure_headers(self, instant: int, date: str, identifier: int, way: Failure) -> str:
        """The same for a failure: a cut stream began well, a refusal is JSON and may say when to come back."""
        seconds = instant // NANOSECONDS
        found = _headers(self.account, seconds, stream=way.cut)
        if way.status == 429:
            found["Retry-After"] = str(5 + seconds % 55)
        return _render(found).replace(_DATE, date).replace(_ID, f"{identifier:016x}")


def _split(rendered: str) -> tuple[str, str, str]:
    before, _, rest = rendered.partition(_DATE)
    between, _, after = rest.partition(_ID)
    return before, between, after


def _identity(account: Account, shift: int) -> str:
    text = f'"source":"{account.source}","auth_index":"{account.auth_index}"'
    if account.oauth:
        text += f',"access_token_sha256":"{sha256(f"{account.name} {shift}".encode()).hexdigest()}"'
    return text


def _headers(account: Account, seconds: int, stream: bool) -> dict[str, str]:
    found = {"Content-Type": _EVENT_STREAM if stream else _JSON, "Date": _DATE}
    found |= {"Cache-Control": "no-cache"} if stream else {"Content-Length": str(600 + seconds % 4999)}
    family = {"vertex": "gemini", "antigravity": "gemini"}.get(account.provider, account.provider)
    return found | _FAMILIES.get(family, _openai)(account, seconds)


def _claude(account: Account, seconds: int) -> dict[str, str]:
    found = {"Request-Id": f"req_011{_ID}", "Server": "cloudflare", "Cf-Cache-Status": "DYNAMIC"}
    if not account.oauth:
        reset = _utc(seconds + 60)
        return found | {
            "Anthropic-Ratelimit-Requests-Limit": "4000",
            "Anthropic-Ratelimit-Requests-Remaining": str(4000 - seconds % 700),
            "Anthropic-Ratelimit-Requests-Reset": reset,
            "Anthropic-Ratelimit-Tokens-Limit": "2000000",
            "Anthropic-Ratelimit-Tokens-Remaining": str(2_000_000 - seconds % 900 * 1000),
            "Anthropic-Ratelimit-Tokens-Reset": reset,
        }
    found["Anthropic-Ratelimit-Unified-Status"] = "allowed"
    found["Anthropic-Ratelimit-Unified-Representative-Claim"] = "five_hour"
    for name, length in (("5h", FIVE_HOURS), ("7d", WEEK)):
        used, reset = _window(account, seconds, length)
        found[f"Anthropic-Ratelimit-Unified-{name}-Utilization"] = f"{used:.2f}"
        found[f"Anthropic-Ratelimit-Unified-{name}-Reset"] = str(reset)
        found[f"Anthropic-Ratelimit-Unified-{name}-Status"] = "allowed_warning" if used > 0.8 else "allowed"
    return found


def _codex(account: Account, seconds: int) -> dict[str, str]:
    if not account.oauth:
        return _openai(account, seconds)
    found = {"X-Request-Id": f"req_{_ID}", "Server": "cloudflare", "X-Codex-Plan-Type": account.plan}
    for name, length in (("Primary", FIVE_HOURS), ("Secondary", WEEK)):
        used, reset = _window(account, seconds, length)
        found[f"X-Codex-{name}-Used-Percent"] = str(int(used * 100))
        found[f"X-Codex-{name}-Window-Minutes"] = str(length // 60)
        found[f"X-Codex-{name}-Reset-At"] = str(reset)
        found[f"X-Codex-{name}-Reset-After-Seconds"] = str(reset - seconds)
    return found


def _openai(account: Account, seconds: int) -> dict[str, str]:
    return {
        "Openai-Processing-Ms": str(200 + seconds % 1800),
        "Server": "cloudflare",
        "X-Ratelimit-Limit-Requests": "10000",
        "X-Ratelimit-Limit-Tokens": "4000000",
        "X-Ratelimit-Remaining-Requests": str(9999 - seconds % 900),
        "X-Ratelimit-Remaining-Tokens": str(3_999_999 - seconds % 600 * 999),
        "X-Ratelimit-Reset-Requests": "6ms",
        "X-Ratelimit-Reset-Tokens": "15ms",
        "X-Request-Id": f"req_{_ID}",
    }


def _gemini(account: Account, seconds: int) -> dict[str, str]:
    return {
        "Server": "scaffolding on HTTPServer2",
        "Server-Timing": f"gfet4t7; dur={300 + seconds % 2500}",
        "X-Gemini-Service-Tier": "standard",
        "X-Goog-Request-Id": _ID,
    }


_FAMILIES = {"claude": _claude, "codex": _codex, "gemini": _gemini}


def _window(account: Account, seconds: int, length: int) -> tuple[float, int]:
    """(share used, when it resets): use grows over each window up to a height of its own."""
    offset = crc32(account.name.encode()) % (length // SLOT) * SLOT
    number, passed = divmod(seconds - offset, length)
    return _height(account.name, length, number) * passed / length, (number + 1) * length + offset


@lru_cache(maxsize=256)
def _height(name: str, length: int, number: int) -> float:
    return Random(f"{name} {length} {number}").uniform(0.25, 1.0)


def _render(found: dict[str, str]) -> str:
    return ",".join(f'"{name}":["{found[name]}"]' for name in sorted(found))


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
