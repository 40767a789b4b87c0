"""How a period is cut into the largest pieces that totals are kept for: months, days, hours, quarters, and slivers.

Knows nothing of Django.
"""

from dataclasses import dataclass, field

from usage.time.periods import date_of, day_start, first_day_of, hour_of, local_day, month_of, whole_hour
from usage.time.units import QUARTER_S, QUARTER_US, SECOND_US

Span = tuple[int | None, int | None]


@dataclass
class Parts:
    """Half-open spans a period is read in: day numbers, quarter starts (s), and event times (µs)."""

    days: list[Span] = field(default_factory=list)
    quarters: list[Span] = field(default_factory=list)
    slivers: list[Span] = field(default_factory=list)


def parts_of(start: int | None, end: int | None, events_from: int | None, zone: str) -> Parts:
    """Cut the period [start, end) µs into the largest pieces that totals are kept for.

    A day before `events_from` has no parts any more: it counts wholly when its midnight lies in the period.
    """
    parts = Parts()
    first = None if start is None else _day_at_or_after(start, zone)
    last = None if end is None else local_day(end // SECOND_US, zone)
    in_detail = start is None or events_from is None or start >= events_from
    if first is not None and last is not None and first > last:
        if in_detail:
            add_edge(parts, start, end)
        return parts
    if start is not None and start < _midnight(first, zone) and in_detail:
        add_edge(parts, start, _midnight(first, zone))
    if end is not None and end > _midnight(last, zone):
        if events_from is not None and _midnight(last, zone) < events_from:
            last += 1
        else:
            add_edge(parts, _midnight(last, zone), end)
    if first is None or last is None or first < last:
        parts.days.append((first, last))
    return parts


def add_edge(parts: Parts, start: int | None, end: int | None):
    """Cut [start, end) µs into whole quarters and the slivers beside them."""
    first = None if start is None else -(-start // QUARTER_US)
    last = None if end is None else end // QUARTER_US
    if first is not None and last is not None and first > last:
        parts.slivers.append((start, end))
        return
    if start is not None and start < first * QUARTER_US:
        parts.slivers.append((start, first * QUARTER_US))
    if end is not None and last * QUARTER_US < end:
        parts.slivers.append((last * QUARTER_US, end))
    if first is None or last is None or first < last:
        parts.quarters.append((first and first * QUARTER_S, last and last * QUARTER_S))


def _day_at_or_after(moment, zone):
    """The first local day that begins at or after a moment in µs."""
    day = local_day(moment // SECOND_US, zone)
    return day if _midnight(day, zone) == moment else day + 1


def _midnight(day, zone):
    return day_start(date_of(day), zone) * SECOND_US


def months_of(span: Span) -> tuple[list[Span], list[Span]]:
    """A span of day numbers as whole months and the days beside them."""
    low = None if span[0] is None else month_of(span[0] - 1) + 1
    high = None if span[1] is None else month_of(span[1])
    return _wider(span, low, high, first_day_of)


def hours_of(span: Span) -> tuple[list[Span], list[Span]]:
    """A span of quarter starts as whole hours (UTC) and the quarters beside them, all in seconds."""
    low = None if span[0] is None else whole_hour(span[0])
    high = None if span[1] is None else hour_of(span[1])
    return _wider(span, low, high, lambda hour: hour)


def hours_in(spans: list[Span]) -> tuple[list[Span], list[Span]]:
    """The same of many spans."""
    hours, quarters = [], []
    for span in spans:
        whole, beside = hours_of(span)
        hours += whole
        quarters += beside
    return hours, quarters


def _wider(span, low, high, start_of):
    """The wider buckets [low, high) that lie wholly in a span, and what is beside them; `start_of` a wider bucket."""
    first, after = span
    if low is not None and high is not None and low >= high:
        return [], [span]
    beside = []
    if low is not None and first < start_of(low):
        beside.append((first, start_of(low)))
    if high is not None and start_of(high) < after:
        beside.append((start_of(high), after))
    return [(low, high)], beside
