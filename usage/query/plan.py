"""The plan of a period: which table answers for which range of it.

Whole local days are read from days, the ragged edges from quarter hours, and what is shorter than a quarter hour (a
partial bucket) from events. Knows nothing of Django.
"""

from enum import Enum
from typing import NamedTuple

from usage.time.periods import Period, date_of, day_start, local_day
from usage.time.units import QUARTER_S, QUARTER_US, SECOND_US


class Table(Enum):
    """What a range is read from."""

    DAY = "day"
    QUARTER = "quarter"
    EVENT = "event"


class Range(NamedTuple):
    """A half-open range of one table: day numbers, quarter starts in seconds, or event times in µs. None is open."""

    table: Table
    start: int | None
    end: int | None


def plan(period: Period, events_from: int | None, zone: str) -> list[Range]:
    """The ranges that a period consists of; `events_from` (µs) is where the kept detail begins, None for everywhere.

    Of a day before it only the total is left: it counts as a whole when its midnight lies in the period.
    """
    start, end = period.start, period.end
    first = None if start is None else _day_at_or_after(start, zone)
    last = None if end is None else local_day(end // SECOND_US, zone)
    has_detail = start is None or events_from is None or start >= events_from
    if first is not None and last is not None and first > last:
        return plan_of_detail(start, end) if has_detail else []
    ranges = []
    if start is not None and start < _midnight(first, zone) and has_detail:
        ranges += plan_of_detail(start, _midnight(first, zone))
    if end is not None and end > _midnight(last, zone):
        if events_from is not None and _midnight(last, zone) < events_from:
            last += 1
        else:
            ranges += plan_of_detail(_midnight(last, zone), end)
    if first is None or last is None or first < last:
        ranges.append(Range(Table.DAY, first, last))
    return ranges


def plan_of_detail(start: int | None, end: int | None) -> list[Range]:
    """The same for [start, end) µs without days: whole quarter hours, and the partial ones at its edges."""
    first = None if start is None else -(-start // QUARTER_US)
    last = None if end is None else end // QUARTER_US
    if first is not None and last is not None and first > last:
        return [Range(Table.EVENT, start, end)]
    ranges = []
    if start is not None and start < first * QUARTER_US:
        ranges.append(Range(Table.EVENT, start, first * QUARTER_US))
    if end is not None and last * QUARTER_US < end:
        ranges.append(Range(Table.EVENT, last * QUARTER_US, end))
    if first is None or last is None or first < last:
        ranges.append(Range(Table.QUARTER, first and first * QUARTER_S, last and last * QUARTER_S))
    return ranges


def _day_at_or_after(moment, zone):
    """The first local day that begins at or after a moment in µs."""
    day = local_day(moment // SECOND_US, zone)
    return day if _midnight(day, zone) == moment else day + 1


def _midnight(day, zone):
    return day_start(date_of(day), zone) * SECOND_US
