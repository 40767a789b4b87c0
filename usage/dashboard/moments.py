"""Days and moments of answers as HTML, in local time; the exact moment is in the markup and the title."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext

from usage.dashboard.formats import DASH
from usage.time.periods import Period
from usage.time.words import days_in_words, length_in_words, period_in_words, written

DATE_LENGTH = len("2026-11-24")


def moment(at, form="j M, H:i:s"):
    """A moment or a local date, also as text (RFC 3339), in a format of Django's `date` filter."""
    if not at:
        return DASH
    text = at.isoformat() if isinstance(at, date) else at
    if len(text) == DATE_LENGTH:
        return written(date.fromisoformat(text), form)
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', text, written(_local(text), form))


def from_day(day):
    """The day from which something holds; without one it always has."""
    return moment(day, "j M Y") if day else gettext("always")


def stretch(start: int | None, end: int | None) -> str:
    """A span of time [start, end) in µs, in words: `22–28 Nov`, `28 Nov, 07:30–07:45`; empty if open at a side."""
    return period_in_words(Period(start, end), settings.TIME_ZONE, localdate())


def days(first: date | None, last: date | None) -> str:
    """The local days from the first to the last, both included, in words."""
    return days_in_words(first, last, localdate()) if first and last else DASH


def built(text):
    """When a version was built: a moment, or the text itself where it is none."""
    try:
        return moment(text, "j M Y, H:i")
    except ValueError:
        return text


def ago(at):
    """A moment, as text or datetime, whose age the browser keeps up to date; without a script, the moment itself."""
    if not at:
        return DASH
    local = _local(str(at))
    title = date_format(local, "Y-m-d H:i:s")
    return format_html('<time datetime="{}" title="{}" data-ago>{}</time>', local.isoformat(), title, title)


def until(text):
    """`12:00 (in 12 min)` of a moment to come, with the day where it is another; the browser counts down."""
    local = _local(text)
    at = moment(text, "H:i" if local.date() == localtime().date() else "j M, H:i")
    seconds = max(0, (local - localtime()) // timedelta(minutes=1) * 60)
    words = length_in_words(seconds) or gettext("< 1 min")  # as page.js says it
    left = format_html('<time datetime="{}" data-left>{}</time>', local.isoformat(), words)
    return format_html(gettext("{0} (in {1})"), at, left)


def _local(text):
    return localtime(datetime.fromisoformat(text))
