"""Time in a named zone, as integers: seconds since the epoch (UTC) for bucket edges, microseconds for period edges.

Zones are named ("Asia/Shanghai"). A local day starts at the first instant of its date, which need not be 00:00, and
ends where the next one starts, so days tile the time line; a date that a zone skipped is an empty day.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from usage.time.units import DAY_S, FIVE_MINUTES_S, HOUR_S, QUARTER_S, SECOND_US

CELLS = 48  # five-minute cells in a row: four hours
EPOCH = date(1970, 1, 1).toordinal()
EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)

MOST = {"h": 168, "d": 366}  # in the range of the last so many
UNKNOWN_RANGE = gettext_noop(
    "Unknown range: use today, yesterday, this_week, last_week, this_month, last_month, 1h to 168h, 1d to 366d, all or "
    "custom."
)
NO_MOMENT = gettext_noop("Not a moment: write 2026-11-11, 2026-11-11T08:30 or 2026-11-11T08:30:00+08:00.")
CALENDAR_RANGES = ("today", "yesterday", "this_week", "last_week", "this_month", "last_month")
RANGE_NAMES = (*CALENDAR_RANGES, "all", "custom")  # and the last so many hours or days
_LAST = re.compile(r"([1-9]\d{0,2})([hd])", re.ASCII)

# Nothing happened outside: moments beyond count as these, and every date around them stays within the calendar.
FIRST_MOMENT = 0
LAST_YEAR = 2200
LAST_MOMENT = 7_258_118_400 * SECOND_US

# Day, clock, zone, and a zone east of Greenwich whose plus is a blank.
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt\s](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)"
    r"(?:\s*([Zz]|[+-]\d\d:?[0-5]\d)|\s+(\d\d:[0-5]\d))?)?",
    re.ASCII,
)


class BadRange(ValueError):
    """A range that means no period: `field` is the parameter at fault, `sentence` says why."""

    def __init__(self, field: str, sentence: str):
        super().__init__(sentence)
        self.field, self.sentence = field, sentence


class BadMoment(ValueError):
    """A text that is no moment; its text is a sentence for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open [start, end) in µs since the epoch, UTC; None leaves that side open."""

    start: int | None
    end: int | None


ALWAYS = Period(None, None)


def is_range(name: str) -> bool:
    """Whether `resolve` knows the name."""
    return name in RANGE_NAMES or last_of(name) is not None


def last_of(name: str) -> tuple[int, str] | None:
    """(5, "h") of `5h`, the last five hours, and (5, "d") of `5d`; None for what names no such range."""
    found = _LAST.fullmatch(name)
    return (int(found[1]), found[2]) if found and int(found[1]) <= MOST[found[2]] else None


def resolve(name: str, start: int | None, end: int | None, *, now: int, zone: str) -> Period:
    """The period a range means at `now` (µs); start and end (µs) count for `custom` only. Raises BadRange.

    today, this_week, this_month and Nd are whole local days up to the end of the day, week or month: with what of it is
    still to come. Weeks begin on Monday. Nh begins with the quarter hour N hours ago and is open to the end; so no
    named range cuts a quarter hour in two.
    """
    if name == "custom":
        return _custom(start, end)
    if name == "all":
        return ALWAYS
    count, unit = last_of(name) or (0, "")
    if unit == "h":
        return Period((now // SECOND_US - count * HOUR_S) // QUARTER_S * QUARTER_S * SECOND_US, None)
    if not count and name not in CALENDAR_RANGES:
        raise BadRange("range", UNKNOWN_RANGE)
    today = local_day(now // SECOND_US, zone)
    between = (today + 1 - count, today + 1) if count else _calendar(name, today, zone)
    return Period(*(day_start(date_of(day), zone) * SECOND_US for day in between))


def _calendar(name, today, zone):
    """The number of the first day of a range of the calendar, and that of the day after its last."""
    monday, first = first_of_week(today), date_of(today).replace(day=1)
    match name:
        case "yesterday":  # not a date that the zone skipped
            return local_day(day_start(date_of(today), zone) - 1, zone), today
        case "this_week":
            return monday, monday + 7
        case "last_week":
            return monday - 7, monday
        case "this_month":
            return day_number(first), day_number(month_after(first))
        case "last_month":
            return day_number((first - timedelta(days=1)).replace(day=1)), day_number(first)
    return today, today + 1


def whole_days(period: Period, zone: str) -> tuple[date, date] | None:
    """The first and the last local day of a period that consists of whole ones; None for any other."""
    if period.start is None or period.end is None:
        return None
    first, last = (local_date(edge // SECOND_US, zone) for edge in (period.start, period.end - 1))
    edges = day_start(first, zone), day_start(date_of(day_number(last) + 1), zone)
    return (first, last) if tuple(edge * SECOND_US for edge in edges) == (period.start, period.end) else None


def _custom(start, end):
    if start is None:
        raise BadRange("start", gettext_noop("A custom range needs a start."))
    if end is None:
        raise BadRange("end", gettext_noop("A custom range needs an end."))
    if end <= start:
        raise BadRange("end", gettext_noop("The end must be after the start."))
    return Period(start, end)


def parse_moment(text: str, zone: str) -> int:
    """µs of RFC 3339 with offset, or of a local date or time; raises BadMoment, whose text is a sentence.

    A date alone is the start of that day. Of a local time that occurs twice the first is meant; for one that a zone
    skipped it is the first instant after the gap. A `+` that arrived as a blank is understood. Decimals past the µs are
    left out; what lies before 1970 or after 2199 counts as the edge of that span.
    """
    found = _MOMENT.fullmatch(text.strip())
    day, clock, zone_told, east = found.groups("") if found else ("",) * 4
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone_told.upper()}{east and '+'}{east}")
    except ValueError:
        raise BadMoment(NO_MOMENT) from None
    if not 1970 <= moment.year < LAST_YEAR:
        return FIRST_MOMENT if moment.year < 1970 else LAST_MOMENT
    at = _first_instant(moment, zone) if moment.tzinfo is None else (moment - EPOCH_UTC) // timedelta(microseconds=1)
    return min(max(at, FIRST_MOMENT), LAST_MOMENT)


def _first_instant(wall, zone):
    """µs of the first instant at which clocks of the zone show `wall` (naive) or, had they skipped it, more."""
    tz = _zone(zone)

    def shown(at):
        return datetime.fromtimestamp(at, tz).replace(tzinfo=None)

    at = int(wall.replace(microsecond=0, tzinfo=tz).timestamp())
    if shown(at) == wall.replace(microsecond=0):
        return at * SECOND_US + wall.microsecond
    before = range(at - 2 * DAY_S, at)  # skipped: `at` is past the gap, by as much as `wall` is into it
    return (before[0] + bisect_left(before, wall, key=shown)) * SECOND_US


@lru_cache(64)
def _zone(name):
    return ZoneInfo(name)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - EPOCH


def date_of(number: int) -> date:
    """The date so many days after 1970-01-01."""
    return date.fromordinal(number + EPOCH)


@lru_cache(16_384)
def day_start(day: date, zone: str) -> int:
    """Seconds of the first instant of a local date; of a date the zone skipped, that of the next."""
    return _first_instant(datetime(day.year, day.month, day.day), zone) // SECOND_US


def first_of_week(number: int) -> int:
    """The number of the Monday at or before a day."""
    return number - (number + 3) % 7


def month_after(day: date) -> date:
    """The first day of the month after that of a day. Raises OverflowError behind the year 9999."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def local_date(seconds: int, zone: str) -> date:
    """The local day a second belongs to."""
    return date_of(local_day(seconds, zone))


def whole_hour(seconds: int) -> int:
    """The first whole hour (UTC) at or after a second."""
    return -(-seconds // HOUR_S) * HOUR_S


def local_day(seconds: int, zone: str) -> int:
    """The number of the local day [start, next start) that a second belongs to; quick, for the writer asks often."""
    day = _day_of_quarter(seconds // QUARTER_S, zone)
    return _day_of(seconds, zone) if day is None else day


@lru_cache(65_536)
def _day_of_quarter(quarter, zone):
    """The local day of a whole quarter hour; None where a day begins inside it, as offsets of old allow."""
    first, last = _day_of(quarter * QUARTER_S, zone), _day_of(quarter * QUARTER_S + QUARTER_S - 1, zone)
    return first if first == last else None


def _day_of(seconds, zone):
    day = day_number(datetime.fromtimestamp(seconds, _zone(zone)).date())
    # Clocks put back over midnight show the old date once more; its day is over all the same.
    while day_start(date_of(day + 1), zone) <= seconds:
        day += 1
    return day


def days(start: int, end: int, zone: str) -> list[tuple[int, int, int]]:
    """(number, start, end) of each local day that overlaps [start, end), all in seconds but the number."""
    if end <= start:
        return []
    numbers = range(local_day(start, zone), local_day(end - 1, zone) + 1)
    edges = [day_start(date_of(n), zone) for n in (*numbers, numbers[-1] + 1)]
    spans = zip(numbers, edges, edges[1:], strict=False)
    return [span for span in spans if span[1] < span[2]]


def hours(start: int, end: int) -> range:
    """Starts of the UTC hours that overlap [start, end), in seconds."""
    return range(start // HOUR_S * HOUR_S, end, HOUR_S)


def quarters(start: int, end: int) -> range:
    """Starts of the quarter hours that overlap [start, end), in seconds."""
    return range(start // QUARTER_S * QUARTER_S, end, QUARTER_S)


def five_minute_rows(day: date, zone: str) -> list[range]:
    """Cell starts (s) of a local day, 48 a row from its first instant; the last row may be shorter."""
    start, end = (day_start(date_of(day_number(day) + more), zone) for more in (0, 1))
    row = CELLS * FIVE_MINUTES_S
    return [range(first, min(first + row, end), FIVE_MINUTES_S) for first in range(start, end, row)]


@lru_cache(8192)
def rfc3339_utc(seconds: int) -> str:
    """`2026-11-24T03:56:42Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def rfc3339_utc_us(moment: int) -> str:
    """`2026-11-24T03:56:42.9524Z`: µs, trailing zeros cut."""
    seconds, us = divmod(moment, SECOND_US)
    text = rfc3339_utc(seconds)
    return f"{text[:-1]}.{us:06d}".rstrip("0") + "Z" if us else text


@lru_cache(4096)
def rfc3339_local_day(number: int, zone: str) -> str:
    """`2026-11-11T00:00:00+08:00`: the first instant of a local day, with its offset."""
    return datetime.fromtimestamp(day_start(date_of(number), zone), _zone(zone)).isoformat()


def clipped(period: Period, start: str, end: str) -> tuple[str, str]:
    """As much of [start, end) as is in the period, RFC 3339: what a cell at its edge counts."""
    if period.start is not None and parse_moment(start, "UTC") < period.start:
        start = rfc3339_utc_us(period.start)
    if period.end is not None and parse_moment(end, "UTC") > period.end:
        end = rfc3339_utc_us(period.end)
    return start, end
