"""Minutes of the UTC day as people write them. Pure."""

import re

from django.utils.translation import gettext_noop as _

DAY_MINUTES = 24 * 60
SLOT = 15  # minutes; hours begin and end on a quarter
NO_TIME = _("A time is written as 16:30, on a quarter of an hour.")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)


def minute_of(text: str) -> int:
    """The minute of the day of a time such as 16:30, or 24:00 for its end; ValueError with a sentence for the user."""
    found = _CLOCK.fullmatch(text.strip())
    minute = int(found[1]) * 60 + int(found[2]) if found else -1
    if minute % SLOT or not 0 <= minute <= DAY_MINUTES:
        raise ValueError(NO_TIME)
    return minute


def shown_minute(minute: int) -> str:
    """A minute of the day as HH:MM."""
    return f"{minute // 60:02}:{minute % 60:02}"
