"""Cells as numbers and days. What could be read in two ways is refused. Pure."""

import re
from decimal import Decimal

from django.utils.translation import gettext as _

from usage.time.periods import BadMoment, date_of, local_day, parse_moment
from usage.time.units import SECOND_US

NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,2})?|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}"
AMOUNT = re.compile(rf"(-?)\$?({NUMBER})", re.IGNORECASE | re.ASCII)
MOST_DIGITS = 40
EPOCH_SECONDS = re.compile(r"[1-6]\d{9}(\.\d+)?", re.ASCII)  # of 2001 to 2191
NAMED_ZONE = re.compile(r"(UTC|GMT)$", re.IGNORECASE)


class BadCell(ValueError):
    """A cell that cannot be read; its text is a sentence."""


def amount(text: str) -> Decimal | None:
    """A number, with or without a dollar sign; None for a blank. Raises BadCell."""
    if not text:
        return None
    found = AMOUNT.fullmatch(text)
    if len(text) > MOST_DIGITS or not found:
        sentence = _('"%(text)s" is no number, or could be two: write it as 1234.5.')
        raise BadCell(sentence % {"text": text[:60]})
    sign, digits = found.groups()
    return Decimal(sign + digits.replace(",", ""))


def count(text: str) -> int | None:
    """A whole number; None for a blank. Raises BadCell."""
    number = amount(text)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise BadCell(_('"%(text)s" is no whole number.') % {"text": text[:60]})
    return int(number)


def day(text: str, zone: str) -> int:
    """The day number of a date, or of a moment in the zone (RFC 3339, or seconds since 1970). Raises BadCell."""
    try:
        if EPOCH_SECONDS.fullmatch(text):
            number = local_day(int(Decimal(text)), zone)
        else:
            number = local_day(parse_moment(NAMED_ZONE.sub("Z", text), zone) // SECOND_US, zone)
    except BadMoment:
        number = 0
    if not 2000 <= date_of(number).year < 2199:
        raise BadCell(_('"%(text)s" is no day: write it as 2026-11-24.') % {"text": text[:60]})
    return number
