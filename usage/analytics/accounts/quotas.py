"""What upstreams say of an account's quota in the headers of their replies, as windows. Pure: headers in, windows out.

Sources: Codex's x-codex-*, Claude's anthropic-ratelimit-unified-* (OAuth) and anthropic-ratelimit-* (keys), and
OpenAI's x-ratelimit-*. Codex and Claude have windows for a model with a quota of its own as well: its word stands in
the names of its headers, and Codex sends the model's name with them.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, structs

from usage.time.periods import LAST_MOMENT
from usage.time.units import SECOND_US

PART = re.compile(r"(?<!\d)(\d+(?:\.\d+)?)(ms|h|m|s|d)")
LEAST = 0.01  # share of a window that says anything about its pace or its price
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Window(Struct, frozen=True, kw_only=True):
    """One quota: how much of it is used, and when it resets."""

    name: Annotated[str, Meta(description="5h, 7d, requests, tokens and the like.")]
    family: Annotated[
        str, Meta(description="The upstream's word for models with a quota of their own; '' for all.")
    ] = ""
    title: Annotated[str, Meta(description="What people call that family, where the name does not say it.")] = ""
    used: Annotated[float, Meta(description="Share of one; may pass it.")]
    seconds: Annotated[int | None, Meta(description="Length of the window; null where no header says.")] = None
    resets_at: Annotated[int | None, Meta(description="µs since the epoch, UTC.")] = None
    status: Annotated[str, Meta(description="The upstream's word, where it has one.")] = ""
    limit: int | None = None
    remaining: int | None = None

    @property
    def begun_at(self) -> int | None:
        """µs since the epoch, UTC; None where headers do not tell."""
        known = self.seconds and self.resets_at is not None
        return int(self.resets_at - self.seconds * SECOND_US) if known else None

    def runs_out_at(self, now: int) -> int | None:
        """When it is used up, at the pace at which it was used from its beginning to `now` (µs since the epoch).

        None where it resets before, is over, used up or as good as unused, and where headers do not tell the pace.
        """
        begun = self.begun_at
        if begun is None or not begun < now < self.resets_at or not LEAST <= self.used < 1:
            return None
        at = begun + int((now - begun) / self.used)
        return at if at < self.resets_at else None


class Ended(NamedTuple):
    """A window as it was last heard of, with the most that was used of it; times in µs."""

    window: Window
    start: int
    end: int


def windows(headers: Mapping[str, str], seen_at: int) -> list[Window]:
    """Windows, those of single models last.

    A header that does not read is as good as none, and a window of 0 minutes is none.
    """
    found = [read(headers, name, seen_at) for read, name in _read_by(tuple(sorted(headers)))]
    known = (_possible(window) for window in found if window and window.seconds != 0)
    return sorted(known, key=lambda window: window.family)


def ended_windows(readings: Iterable[tuple[Mapping[str, str], int]], now: int) -> list[Ended]:
    """Windows that ended before `now`, the newest first, from (headers, µs at which they came), oldest first.

    One ends at its reset; before that where a later one has begun, for upstreams sometimes reset early.
    """
    going: dict[tuple[str, str], Window] = {}
    found = []
    for headers, seen_at in readings:
        for window in windows(headers, seen_at):
            if window.begun_at is None:
                continue
            last = going.get((window.family, window.name), window)
            is_next = window.begun_at >= (last.begun_at + last.resets_at) // 2
            if is_next:
                found.append(Ended(last, last.begun_at, min(last.resets_at, window.begun_at)))
            used = window.used if is_next else max(window.used, last.used)
            going[window.family, window.name] = structs.replace(window, used=used)
    found += [Ended(last, last.begun_at, last.resets_at) for last in going.values() if last.resets_at <= now]
    return sorted(found, key=lambda each: -each.end)


@lru_cache(256)
def _read_by(names):
    """(reader, name of a window) of each header that tells one; accounts of a kind send the same headers."""
    found = ((read, re.fullmatch(header, name)) for header, read in READERS.items() for name in names)
    return [(read, match[1]) for read, match in found if match]


def _possible(window):
    """The window without times that no calendar shows."""
    resets = window.resets_at if 0 <= (window.resets_at or 0) < LAST_MOMENT else None
    seconds = window.seconds if (window.seconds or 0) < LAST_MOMENT // SECOND_US else None
    return structs.replace(window, resets_at=resets, seconds=seconds)


def _codex(headers, name, seen_at):
    used, minutes = (_number(headers, f"x-codex-{name}-{end}") for end in ("used-percent", "window-minutes"))
    at, after = (_number(headers, f"x-codex-{name}-{end}") for end in ("reset-at", "reset-after-seconds"))
    if used is None:
        return None
    resets = int(at * SECOND_US) if at else None if after is None else int(seen_at + after * SECOND_US)
    seconds = None if minutes is None else int(minutes * 60)
    family, _, window = name.rpartition("-")
    return Window(
        name=_length(seconds) or window,
        family=family,
        title=headers.get(f"x-codex-{family}-limit-name", family) if family else "",
        used=used / 100,
        seconds=seconds,
        resets_at=resets,
    )


def _unified(headers, name, seen_at):
    start = f"anthropic-ratelimit-unified-{name}-"
    used, reset = _number(headers, f"{start}utilization"), _number(headers, f"{start}reset")
    if used is None:
        return None
    length = re.match(r"(\d+)([hdm])(?:_(\w+))?$", name)
    return Window(
        name=name.replace("_", " "),
        family=length[3] or "" if length else "",
        used=used,
        seconds=int(length[1]) * SECONDS[length[2]] if length else None,
        resets_at=int(reset * SECOND_US) if reset else None,
        status=headers.get(f"{start}status", ""),
    )


def _counted(header, headers, name, seen_at):
    limit, remaining, reset = (header.format(name=name, part=part) for part in ("limit", "remaining", "reset"))
    limit, remaining = _number(headers, limit), _number(headers, remaining)
    if not limit or remaining is None:
        return None
    return Window(
        name=name.replace("-", " "),
        used=max(0.0, 1 - remaining / limit),
        resets_at=_moment(headers.get(reset, ""), seen_at),
        limit=int(limit),
        remaining=int(remaining),
    )


def _moment(text, seen_at):
    """µs of an RFC 3339 time, or of a span such as 6m0s after the reply; None for neither."""
    if (parts := PART.findall(text)) and "".join(number + unit for number, unit in parts) == text:
        return seen_at + int(sum(float(number) * SECONDS[unit] for number, unit in parts) * SECOND_US)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * SECOND_US)


def _number(headers, name):
    try:
        value = float(headers.get(name, ""))
    except ValueError:
        return None
    return value if 0 <= value < 1e15 else None


def _length(seconds):
    if not seconds:
        return ""
    unit, size = next(((u, s) for u, s in (("d", 86_400), ("h", 3600)) if seconds % s == 0), ("m", 60))
    return f"{seconds // size}{unit}"


READERS = {
    r"x-codex-((?:[\w-]+-)?(?:primary|secondary))-used-percent": _codex,
    r"anthropic-ratelimit-unified-(\w+)-utilization": _unified,
    r"anthropic-ratelimit-([\w-]+)-limit": partial(_counted, "anthropic-ratelimit-{name}-{part}"),
    r"x-ratelimit-limit-([\w-]+)": partial(_counted, "x-ratelimit-{part}-{name}"),
}
