"""Days and moments of answers as HTML, in local time; the exact moment is in the markup and the title."""

from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import get_language, gettext

from usage.dashboard.formats import DASH
from usage.time.clock import now_us
from usage.time.periods import BadMoment, parse_moment
from usage.time.units import SECOND_US

MIDNIGHT = time()
DATE_LENGTH = len("2026-11-24")
CHINESE = {  # parts of date formats
    "M j,": "n月j日",
    "M j": "n月j日",
    "D j": "n月j日",
    "l, j F Y": "Y年n月j日 l",
    "j M Y": "Y年n月j日",
    "j M": "n月j日",
}


def moment(text, form="M j, H:i:s"):
    """An RFC 3339 moment, or a local date, in a format of Django's `date` filter."""
    if (get_language() or "").startswith("zh"):
        for english, chinese in CHINESE.items():
            form = form.replace(english, chinese)
    if not text:
        return DASH
    if len(text) == DATE_LENGTH:
        return date_format(date.fromisoformat(text), form)
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', text, date_format(_local(text), form))


def stretch(start: int, end: int) -> str:
    """`22–28 Nov` of whole local days [start, end) in µs; else `28 Nov, 07:30–07:45`, or `16 Nov, 18:45 – 17 Nov`."""
    first, last = (datetime.fromtimestamp(us // SECOND_US, get_current_timezone()) for us in (start, end))
    clocks = [f", {at:%H:%M}" if at.time() != MIDNIGHT else "" for at in (first, last)]
    if not any(clocks):
        last -= timedelta(hours=1)
    form = "j M" if first.year == last.year == localtime().year else "j M Y"
    days = [moment(f"{at:%Y-%m-%d}", form) for at in (first, last)]
    if days[0] == days[1]:
        return days[0] + (f", {first:%H:%M}–{last:%H:%M}" if any(clocks) else "")
    if not any(clocks) and days[0].split(" ")[1:] == days[1].split(" ")[1:] != []:
        return f"{first.day}–{days[1]}"
    return f"{days[0]}{clocks[0]} – {days[1]}{clocks[1]}"


def built(text):
    """When a version was built: a moment, or the text itself where it is none."""
    try:
        return moment(text, "Y-m-d H:i")
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
    at = moment(text, "H:i" if local.date() == localtime().date() else "M j, H:i")
    left = format_html('<time datetime="{}" data-left>{}</time>', local.isoformat(), _left(local.timestamp()))
    return format_html(gettext("{0} (in {1})"), at, left)


def _left(at):
    """`3 h 12 min` until a moment in seconds since the epoch, in the words of page.js."""
    minutes = max(0, int(at - now_us() / SECOND_US)) // 60
    days, hours = divmod(minutes // 60, 24)
    units = [(days, gettext("d")), (hours, gettext("h")), (minutes % 60, gettext("min"))]
    shown = units[:2] if days else units[1:]
    return " ".join(f"{number} {unit}" for number, unit in shown if number) or gettext("< 1 min")


def local_input(text):
    """A moment of a query as an input of type datetime-local takes it; empty for a text that is no moment."""
    try:
        at = parse_moment(text, settings.TIME_ZONE) if text else None
    except BadMoment:
        at = None
    if at is None:
        return ""
    local = datetime.fromtimestamp(at // SECOND_US, get_current_timezone())
    return local.strftime("%Y-%m-%dT%H:%M:%S" if local.second else "%Y-%m-%dT%H:%M")


def _local(text):
    return localtime(datetime.fromisoformat(text))
