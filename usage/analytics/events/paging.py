"""Pages of events, newest first or in another order; the ten-thousandth takes as long as the first.

Counts come from rollups: they tell which quarter hours hold the rows of a page, and only those are read.
"""

import re
from typing import Annotated

from django.conf import settings
from django.db.models import Q
from django.http import Http404
from msgspec import Meta, Struct

from usage.analytics.answers import instant
from usage.analytics.events.ordering import LISTED, largest
from usage.analytics.events.rows import EventDetail, EventRow, event_detail, event_rows
from usage.models import Event
from usage.models.event import key_of
from usage.query.filters import UsageFilter
from usage.query.forms import ORDERS
from usage.query.reader import Reader
from usage.query.snapshots import once, snapshot
from usage.time.periods import LAST_MOMENT, Period, date_of, day_start
from usage.time.units import QUARTER_S, SECOND_US

EVENT_KEY = re.compile(r"([0-9a-f]{1,15})-([0-9a-f]{32})")
OTHER = ORDERS[1:]  # than the order of time
RANGES_AT_ONCE = 100  # ranges in one query; SQLite bounds the depth of an expression


class EventPage(Struct, frozen=True, kw_only=True):
    """One page of events."""

    total: int
    page: int
    page_size: int
    total_pages: Annotated[int, Meta(description=f"Of an order other than that of time: of its first {LISTED:,}.")]
    items: list[EventRow]
    detail_from: str | None


class NoSuchEvent(Http404):
    """An event key that names no stored event."""


@snapshot()
def event_page(  # noqa: PLR0917  the parameters of the API
    filters: UsageFilter,
    page: int,
    page_size: int,
    before: str = "",
    order: str = "",
    shape: type[EventRow] = EventRow,
) -> EventPage:
    """Single attempts of the kept detail, by default the newest first; of equal ones the newest arrival comes first.

    A page past the last is the last.
    """
    # Below the event named by `before`, arriving records shift nothing.
    reader, total = Reader.of(filters).kept(), counted(filters)
    listed = min(total, LISTED) if order in OTHER else total
    page = min(page, max(1, -(-listed // page_size)))
    skip = (page - 1) * page_size
    if order in OTHER:
        items = _rows_of(largest(reader, order)[skip : skip + page_size], shape)
    else:
        items = _items(reader, before, skip, page_size, shape) if before or skip < total else []
    return EventPage(
        total=total,
        page=page,
        page_size=page_size,
        total_pages=-(-listed // page_size),
        items=items,
        detail_from=instant(reader.events_from),
    )


@snapshot()
def counted(filters: UsageFilter) -> int:
    """How many attempts of the kept detail a filter admits."""
    return sum(_counts(Reader.of(filters).kept()).values())


@snapshot()
def newest(filters: UsageFilter, count: int, before: str = "", shape: type[EventRow] = EventRow) -> list[EventRow]:
    """The first rows, or the first ones below an event, without counting all there are.

    Of an event that retention, or the undoing of an import, has removed meanwhile: those from before its time.
    """
    reader = Reader.of(filters).kept()
    try:
        return _items(reader, before, 0, count, shape)
    except NoSuchEvent:
        (moment, _), start = _read_key(before), reader.filters.period.start
        return _items(reader.within(Period(start, max(moment, start or 0))), "", 0, count, shape)


def event(key: str) -> EventDetail:
    """One kept event in full, by its event key; NoSuchEvent when there is none."""
    found = event_detail(_named(key))
    if found is None:
        raise NoSuchEvent
    return found


@snapshot()
def neighbours(filters: UsageFilter, key: str, order: str = "") -> tuple[str, str]:
    """Event keys of the events before and after one in the order of the pages; "" where there is none."""
    reader = Reader.of(filters).kept()
    if order in OTHER:
        keys = [key_of(*each) for each in largest(reader, order)]
        place = keys.index(key) if key in keys else len(keys)
        return (keys[place - 1] if 0 < place < len(keys) else ""), "".join(keys[place + 1 : place + 2])
    (timestamp, cursor), period = _place(key), reader.filters.period
    end = LAST_MOMENT if period.end is None else period.end
    if not (period.start or 0) <= timestamp < end:
        return "", ""
    later = reader.within(Period(timestamp, period.end))
    not_newer = Event.objects.matching(filters).filter(timestamp=timestamp, id__lte=cursor).count()
    newer = sum(_counts(later).values()) - not_newer
    rows = (_items(later, "", newer - 1, 1) if newer > 0 else []), _items(reader, key, 0, 1)
    return tuple("".join(row.event_key for row in found) for found in rows)


def _rows_of(named, shape):
    """The events of these times and fingerprints, in their order."""
    times, fingerprints = zip(*named, strict=True) if named else ((), ())
    found = Event.objects.filter(timestamp__among=times, fingerprint__in=fingerprints)
    rows = {row.event_key: row for row in event_rows(found, shape)}
    return [rows[key_of(*each)] for each in named]


def _items(reader, before, skip, size, shape=EventRow):
    if before:
        return _below(reader, before, skip, size, shape)
    ranges, newer = window_ranges(reader, skip, size)
    return _read(ranges, reader.filters, skip - newer, size, shape)


@once
def _counts(reader) -> dict[int | None, int]:
    """Events of the period by local day, or of all its days under None where they must be counted one by one."""
    if reader.filters.of_events:
        period = reader.filters.period
        return {None: Event.objects.between(period.start, period.end).matching(reader.filters).count()}
    return {day: row[0] for day, row in reader.counts_per_day().items()}


def _below(reader, key, skip, size, shape):
    """Events older than the named one, in the order of the page."""
    (timestamp, cursor), period = _place(key), reader.filters.period
    end = timestamp + 1 if period.end is None else min(period.end, timestamp + 1)
    older = Q(timestamp__lt=timestamp) | Q(timestamp=timestamp, id__lt=cursor)
    # The ranges also hold the other events of the same instant: make room for them.
    same_instant = Event.objects.filter(timestamp=timestamp).count()
    ranges = [(period.start, max(end, period.start or 0))]
    if reader.filters.labels:  # else they are the next ones, and to count takes longer
        ranges, _ = window_ranges(reader.within(Period(*ranges[0])), 0, skip + size + same_instant)
    return _read(ranges, reader.filters, skip, size, shape, condition=older)


def _place(key):
    """(time in µs, id) of the event of this key; NoSuchEvent when there is none."""
    found = _named(key).values_list("timestamp", "id").first()
    if found is None:
        raise NoSuchEvent
    return found


def _named(key):
    """The event of this key, as a query; NoSuchEvent when it is no key."""
    timestamp, fingerprint = _read_key(key)
    return Event.objects.filter(timestamp=timestamp, fingerprint=fingerprint)


def _read_key(key) -> tuple[int, bytes]:
    """The time (µs) and the fingerprint in a key; NoSuchEvent when it is none."""
    found = EVENT_KEY.fullmatch(key)
    if found is None:
        raise NoSuchEvent
    return int(found[1], 16), bytes.fromhex(found[2])


def window_ranges(reader, skip, size):
    """Half-open ranges in µs, newest first, that hold the rows [skip, skip + size), and how many rows are newer."""
    period, zone = reader.filters.period, settings.TIME_ZONE
    if reader.filters.of_events:  # no count helps
        return [(period.start, period.end)], 0
    days, newer = _buckets_of(_counts(reader), 0, skip, size)
    if not days:
        return [], newer
    first, after = (day_start(date_of(day), zone) * SECOND_US for day in (days[-1], days[0] + 1))
    if not reader.filters.labels and not skip:  # they are read from the end
        return [_clip(period, first, after)], 0
    per_quarter = reader.counts_per_quarter(*_clip(period, first, after))
    quarters, newer = _buckets_of({quarter: row[0] for quarter, row in per_quarter.items()}, newer, skip, size)
    edges = ((quarter * SECOND_US, (quarter + QUARTER_S) * SECOND_US) for quarter in quarters)
    return [_clip(period, *edge) for edge in edges], newer


def _buckets_of(counts, newer, skip, size):
    """The buckets, newest first, that hold the rows [skip, skip + size), and how many rows are newer than these.

    `newer`: rows newer than all of them. It stops early: a bucket too many would be read to its end.
    """
    chosen, counted = [], newer
    for bucket, count in sorted(counts.items(), reverse=True):
        counted += count
        if counted <= skip:
            newer = counted
        elif count:
            chosen.append(bucket)
        if counted >= skip + size:
            break
    return chosen, newer


def _clip(period, start, end):
    start = start if period.start is None else max(start, period.start)
    return start, end if period.end is None else min(end, period.end)


def _read(ranges, filters, skip, size, shape, *, condition=None):
    """Rows [skip, skip + size) of the events in the ranges (newest range first)."""
    rows = []
    for i in range(0, len(ranges), RANGES_AT_ONCE):
        inside = Q()
        for start, end in _joined(ranges[i : i + RANGES_AT_ONCE]):
            inside |= Q(timestamp__gte=start or 0, timestamp__lt=LAST_MOMENT + 1 if end is None else end)
        found = Event.objects.filter(inside).matching(filters).filter(condition or Q()).newest_first()
        part = event_rows(found[skip : skip + size], shape)
        rows += part
        skip, size = 0, size - len(part)  # the first range holds the first row
        if size <= 0:
            break
    return rows


def _joined(ranges):
    """The same ranges, neighbours made one."""
    joined = []
    for start, end in ranges:
        if joined and joined[-1][0] == end:
            joined[-1] = (start, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
