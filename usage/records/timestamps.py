"""Times as CPA writes them, to microseconds since the epoch in UTC; cut, never rounded."""

import re
from datetime import UTC, datetime, timedelta

from usage.time.units import DAY_US, SECOND_US

EARLIEST = 1_577_836_800 * SECOND_US  # 2020: CPA is younger
AHEAD = DAY_US  # a clock may run ahead, but not by more
FIRST_CLAIM = -62_135_596_800 * SECOND_US  # years 1 to 9999, also after taking an offset away: what a calendar can show
LAST_CLAIM = 253_402_300_800 * SECOND_US - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_ODD = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt\s]\s*(\d{1,2}):(\d{1,2})(?::(60|[0-5]?\d)(?:[.,](\d*))?)?)?"
    r"\s*(?:[Zz]|(?:([+-])([01]?\d|2[0-3]):?([0-5]\d)?))?",
    re.ASCII,
)


def believed(text: str, arrived: int) -> tuple[int, int | None]:
    """When it happened and, where that is not what the text claims, the claim; both in µs.

    A blank text counts as the time of arrival; so does a claim before 2020 or more than a day ahead of the arrival.
    Raises ValueError for a text that is no time.
    """
    if not text.strip():
        return arrived, None
    claimed = moment(text)
    if EARLIEST <= claimed <= arrived + AHEAD:
        return claimed, None
    return arrived, min(max(claimed, FIRST_CLAIM), LAST_CLAIM)


def moment(text: str) -> int:
    """µs of an RFC 3339 time with any number of decimals, or of a similar one; ValueError when it is no time."""
    if text[10:11] != "T":
        return _odd_moment(text)
    try:
        return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND
    except (ValueError, TypeError):  # TypeError: it has no offset
        return _odd_moment(text)


def _odd_moment(text):
    """Any legible form: one-digit hours, a comma, a blank or small t and z, a leap second, no offset (then UTC)."""
    odd = _ODD.fullmatch(text.strip())
    if odd is None:
        raise ValueError("no time")
    *when, fraction, sign, offset_hours, offset_minutes = odd.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in when)
    clock = timedelta(seconds=second, microseconds=int((fraction or "")[:6].ljust(6, "0")))
    east = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    # Python's calendar begins with the year 1. A leap second is the next minute's first.
    since = datetime(max(year, 1), month, day, hour, minute, tzinfo=UTC) - EPOCH + clock
    return (since + east if sign == "-" else since - east) // MICROSECOND
