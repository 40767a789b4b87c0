"""Days, moments and periods in words, short and local: `Sat 28 Nov`, `23–29 Nov`, `28 Nov, 07:30–07:45`.

Formats are those of Django's `date` filter, and are translated like every other text.
"""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from usage.time.periods import Period, day_start, local_date, whole_days
from usage.time.units import HOUR_S, SECOND_US

MIDNIGHT = "24:00"  # of the day that ends


def written(at: date, form: str) -> str:
    """A day, or a moment in the zone it is in, in a format such as `j M, H:i`."""
    return date_format(at, _(form))


def period_in_words(period: Period, zone: str, today: date) -> str:
    """A period, with years where not all of it lies in today's; of whole days the last one belongs to it.

    Empty for a period that is open at a side.
    """
    if period.start is None or period.end is None:
        return ""
    if days := whole_days(period, zone):
        return days_in_words(*days, today)
    start, end = (datetime.fromtimestamp(edge // SECOND_US, ZoneInfo(zone)) for edge in (period.start, period.end))
    ends_a_day = day_start(end.date(), zone) * SECOND_US == period.end
    last = local_date((period.end - 1) // SECOND_US, zone) if ends_a_day else end.date()
    form = "j M, H:i–H:i" if start.date() == last else "j M, H:i – j M, H:i"
    return _between(form, start, datetime.combine(last, end.time()), today, MIDNIGHT if ends_a_day else "")


def days_in_words(first: date, last: date, today: date) -> str:
    """The days from the first to the last, both included: `Sat 28 Nov`, `23–29 Nov`, `29 Oct – 4 Nov 2025`."""
    form = "D j M" if first == last else "j–j M" if first.replace(day=1) == last.replace(day=1) else "j M – j M"
    return _between(form, *(datetime.combine(day, time()) for day in (first, last)), today)


def length_in_words(seconds: int) -> str:
    """The two largest units of a length of time: `3 h 12 min`; empty for none."""
    minutes, hours = seconds // 60, seconds // HOUR_S
    units = [(hours // 24, _("d")), (hours % 24, _("h")), (minutes % 60, _("min")), (seconds % 60, _("s"))]
    while units and not units[0][0]:
        del units[0]
    return " ".join(f"{number} {unit}" for number, unit in units[:2] if number)


def _between(form, first, last, today, clock_at_end=""):
    """Both sides of a format with a dash; one without is that of the first. `clock_at_end` replaces the last hour."""
    if not first.year == last.year == today.year:
        form = form.replace("M", "M Y")
    forms = _(form).split("–")
    if first.second or last.second:
        forms = [each.replace("H:i", "H:i:s") for each in forms]
    if clock_at_end:
        forms[-1] = forms[-1].replace("H:i", clock_at_end)
    return "–".join(date_format(edge, each) for edge, each in zip((first, last), forms, strict=False))
