"""Pages of events, newest first, at the same price for the first and the ten-thousandth.

Counts come from rollups: they tell which quarter hours hold the rows of a page, and only those are read.
"""

import re

from django.conf import settings
from django.db.models import Q

from usage.analytics.answers import EventPage, EventRow
from usage.analytics.eventrows import event_rows
from usage.models import Event
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import once, snapshot
from usage.time.periods import Period, date_of, day_start, rfc3339_utc_us
from usage.time.units import QUARTER_S, SECOND_US

EVENT_KEY = re.compile(r"([0-9a-f]{1,15})-([0-9a-f]{32})")
SPANS_AT_ONCE = 100  # ranges in one query; SQLite bounds the depth of an expression


class NoSuchEvent(ValueError):
    """An event key that names no stored event."""


def event_page(asked: UsageFilter, page: int, page_size: int, before: str = "") -> EventPage:
    """One page; `before` (an event key) starts it below that event, so that arriving records shift nothing."""
    with snapshot():
        reader = Reader.of(asked).kept()
        skip = (page - 1) * page_size
        total = sum(_counts(reader).values())
        return EventPage(
            total=total,
            page=page,
            page_size=page_size,
            total_pages=-(-total // page_size),
            items=_items(reader, before, skip, page_size) if before or skip < total else [],
            detail_from=None if reader.events_from is None else rfc3339_utc_us(reader.events_from),
        )


@snapshot()
def newest(asked: UsageFilter, count: int, before: str = "") -> list[EventRow]:
    """The first rows, or the first ones below an event, without counting all there are."""
    reader = Reader.of(asked).kept()
    return _items(reader, before, 0, count)


def _items(reader, before, skip, size):
    return _below(reader, before, skip, size) if before else _window(reader, skip, size)


@once
def _counts(reader) -> dict[int | None, int]:
    """Events of the period by local day, or of all its days under None where they must be counted one by one."""
    if reader.asked.of_events:
        period = reader.asked.period
        return {None: Event.objects.between(period.start, period.end).matching(reader.asked_of_events).count()}
    return {day: row[0] for day, row in reader.counts_per_day().items()}


def _below(reader, key, skip, size):
    """Events older than the named one, in the order of the page."""
    timestamp, fingerprint = parse_key(key)
    found = Event.objects.filter(timestamp=timestamp, fingerprint=fingerprint)
    cursor = found.values_list("id", flat=True).first()
    if cursor is None:
        raise NoSuchEvent
    period = reader.asked.period
    end = timestamp + 1 if period.end is None else min(period.end, timestamp + 1)
    older = Q(timestamp__lt=timestamp) | Q(timestamp=timestamp, id__lt=cursor)
    # Events at the same instant as the named one are in the spans too: make room for them.
    beside = Event.objects.filter(timestamp=timestamp).count()
    reader = reader.within(Period(period.start, max(end, period.start or 0)))
    spans, _ = window_spans(reader, 0, skip + size + beside)
    return _read(spans, reader.asked_of_events, skip, size, older)


def parse_key(key: str) -> tuple[int, bytes]:
    """(timestamp µs, fingerprint) of an event key; NoSuchEvent when it is none."""
    found = EVENT_KEY.fullmatch(key)
    if found is None:
        raise NoSuchEvent
    return int(found[1], 16), bytes.fromhex(found[2])


def _window(reader, skip, size):
    spans, passed = window_spans(reader, skip, size)
    return _read(spans, reader.asked_of_events, skip - passed, size)


def window_spans(reader, skip, size):
    """Half-open spans in µs, newest first, that hold the rows [skip, skip + size), and the rows newer than them."""
    period, zone = reader.asked.period, settings.TIME_ZONE
    if reader.asked.of_events or (reader.asked.admits_all and not skip):  # no count helps, or none is needed
        return [(period.start, period.end)], 0
    passed, wanted, chosen = 0, skip + size, []
    counted = 0
    for day, count in sorted(_counts(reader).items(), reverse=True):
        counted += count
        if counted <= skip:
            passed = counted
        elif count:
            chosen.append(day)
        if counted >= wanted:
            break
    spans = []
    if chosen:
        first, after = (day_start(date_of(n), zone) * SECOND_US for n in (chosen[-1], chosen[0] + 1))
        start, end = _clip(period, first, after)
        counted = passed
        for quarter, row in sorted(reader.counts_per_quarter(start, end).items(), reverse=True):
            counted += row[0]
            if counted <= skip:
                passed = counted
            elif row[0]:
                spans.append(_clip(period, quarter * SECOND_US, (quarter + QUARTER_S) * SECOND_US))
            if counted >= wanted:  # a span too many would be read to its end: several are sorted, one is not
                break
    return spans, passed


def _clip(period, start, end):
    start = start if period.start is None else max(start, period.start)
    return start, end if period.end is None else min(end, period.end)


def _read(spans, asked, skip, size, condition=None):
    """Rows [skip, skip + size) of the events in the spans (newest span first)."""
    rows = []
    for i in range(0, len(spans), SPANS_AT_ONCE):
        inside = Q()
        for start, end in _joined(spans[i : i + SPANS_AT_ONCE]):
            inside |= _range(start, end)
        found = Event.objects.filter(inside).matching(asked).filter(condition or Q()).newest_first()
        part = event_rows(found[skip : skip + size])
        rows += part
        skip, size = 0, size - len(part)  # the first span holds the first row
        if size <= 0:
            break
    return rows


def _range(start, end):
    condition = Q()
    if start is not None:
        condition &= Q(timestamp__gte=start)
    return condition if end is None else condition & Q(timestamp__lt=end)


def _joined(spans):
    """The same spans, neighbours made one."""
    joined = []
    for start, end in spans:
        if joined and joined[-1][0] == end and end is not None:
            joined[-1] = (start, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
