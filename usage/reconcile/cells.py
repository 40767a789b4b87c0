"""Cells as numbers and days. What could be read in two ways is refused. Pure."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from usage.time.periods import BadMoment, day_number, local_day, parse_moment
from usage.time.units import SECOND_US

SIGNS = re.compile(r"^(-?)\s*(?:US\$|USD|\$)?\s*(-?)(.*?)\s*(?:USD)?$", re.IGNORECASE)
PLAIN = re.compile(r"\d+(\.\d*)?(e[+-]?\d{1,2})?|\.\d+(e[+-]?\d{1,2})?", re.IGNORECASE | re.ASCII)
GROUPED = (  # the sign between groups of three, and the one before decimals
    (re.compile(r"\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,}", re.ASCII), ",", "."),
    (re.compile(r"\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,}", re.ASCII), ".", ","),
    (re.compile(r"0,\d+|\d+,(\d{1,2}|\d{4,})", re.ASCII), ".", ","),
)
AMBIGUOUS = re.compile(r"\d{1,3},\d{3}", re.ASCII)
MOST_DIGITS = 40
EPOCH_SECONDS = re.compile(r"[1-6]\d{9}(\.\d+)?", re.ASCII)  # of 2001 to 2191
MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
SLASHED = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(.*)", re.ASCII)
NAMED_ZONE = re.compile(r"\s*(UTC|GMT)$", re.IGNORECASE)
DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(.*)", re.ASCII)
ORDERS = {"ymd": "2026-11-24", "dmy": "24/11/2026", "mdy": "11/24/2026"}  # how dates are written


class BadCell(ValueError):
    """A cell that cannot be read; its text is a sentence."""


class Days(NamedTuple):
    """The days a cell names, as day numbers, both inclusive."""

    first: int
    last: int


def amount(text: str) -> Decimal | None:
    """A number, with or without a dollar sign; None for a blank. Raises BadCell."""
    if not text:
        return None
    before, after, digits = SIGNS.fullmatch(text).groups()
    if len(digits) > MOST_DIGITS or not (number := _number(digits, text)):
        raise BadCell(_('"%(text)s" is no number.') % {"text": text[:60]})
    return -Decimal(number) if before or after else Decimal(number)


def count(text: str) -> int | None:
    """A whole number; None for a blank. Raises BadCell."""
    number = amount(text)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise BadCell(_('"%(text)s" is no whole number.') % {"text": text[:60]})
    return int(number)


def _number(digits, text):
    """The digits as Decimal takes them, or None."""
    if PLAIN.fullmatch(digits):
        return digits
    if AMBIGUOUS.fullmatch(digits) and not digits.startswith("0"):
        sentence = _('"%(text)s" may be a thousand or a fraction: write it without a comma.')
        raise BadCell(sentence % {"text": text})
    for pattern, group, decimal in GROUPED:
        if pattern.fullmatch(digits):
            return digits.replace(group, "").replace(decimal, ".")
    return None


def days(text: str, zone: str, order: str = "ymd") -> Days:
    """The day, or the days of the month, that a cell names; a moment counts on its day in the zone. Raises BadCell.

    Days are written as `order` says (ORDERS), months as 2026-11, moments also as seconds since the epoch.
    """
    try:
        if found := MONTH.fullmatch(text):
            first = date(int(found[1]), int(found[2]), 1)
            return Days(day_number(first), day_number((first + timedelta(days=31)).replace(day=1)) - 1)
        day = _day(text, zone, order)
    except (ValueError, OverflowError):
        raise BadCell(_('"%(text)s" is no day: write it as %(example)s.') % _example(text, order)) from None
    return Days(day, day)


def _example(text, order):
    return {"text": text[:60], "example": ORDERS[order]}


def _day(text, zone, order):
    if EPOCH_SECONDS.fullmatch(text):
        return local_day(int(Decimal(text)), zone)
    if order != "ymd":
        return _of_parts(DAY_FIRST.fullmatch(text), (2, 1, 0) if order == "dmy" else (2, 0, 1), zone)
    found = COMPACT.fullmatch(text)
    if found or (found := SLASHED.fullmatch(text)):
        return _of_parts(found, (0, 1, 2), zone)
    return _of_moment(NAMED_ZONE.sub("Z", text), zone)


def _of_parts(found, places, zone):
    """The day of year, month and day that stand at these places; what follows them is a time."""
    if not found:
        raise ValueError
    year, month, day = (int(found[1 + place]) for place in places)
    rest = found[4].strip() if found.re.groups == 4 else ""
    return _of_moment(f"{date(year, month, day).isoformat()} {rest}".strip(), zone)


def _of_moment(text, zone):
    """A date stays that date, in any zone; so does a time without an offset, which is one of the zone itself."""
    try:
        at = parse_moment(text, zone)
    except BadMoment as error:
        raise ValueError from error
    if not 2000 <= datetime.fromtimestamp(at // SECOND_US, ZoneInfo(zone)).year < 2200:
        raise ValueError
    return local_day(at // SECOND_US, zone)
