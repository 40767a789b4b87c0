"""The windows of an account's quota that are over, from what its upstream said about them. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import structs

from usage.analytics.accounts.quotas import Window, windows


class Ended(NamedTuple):
    """A window as it was last heard of, with the most that was used of it; times in µs."""

    window: Window
    start: int
    end: int


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
