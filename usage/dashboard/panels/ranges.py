"""The ranges that pages offer: their names, the dates they stand for, and what the form of a range asks for."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.http import QueryDict
from django.utils.timezone import get_current_timezone, localdate
from django.utils.translation import gettext_lazy, ngettext

from usage.dashboard.links import PERIOD
from usage.dashboard.moments import stretch
from usage.time.periods import Period, last_of, whole_days
from usage.time.units import SECOND_US

TITLES = {
    "today": gettext_lazy("Today"),
    "yesterday": gettext_lazy("Yesterday"),
    "this_week": gettext_lazy("This week"),
    "last_week": gettext_lazy("Last week"),
    "this_month": gettext_lazy("This month"),
    "last_month": gettext_lazy("Last month"),
    "24h": gettext_lazy("24 h"),
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "all": gettext_lazy("All"),
}
# One click away where there is room
QUICK = ("today", "yesterday", "this_week", "last_week", "24h", "7d", "30d", "all")
MIDNIGHT = "00:00"
FIELDS = ("last", "unit", "first_day", "last_day", "since", "until")
OWN = {*FIELDS, *PERIOD, "page", "before"}  # parameters that another range changes


class Ranges(NamedTuple):
    """What the filter bar shows: the present range by its name, if it has one, and in dates; and what else there is.

    `given` holds the values of the form's fields, `kept` the parameters of the page that it leaves alone.
    """

    title: str
    words: str
    presets: list[tuple[str, str]]
    quick: list[tuple[str, str]]
    given: dict[str, str]
    kept: list[tuple[str, str]]
    today: date


def ranges_of(query: QueryDict, period: Period) -> Ranges:
    """The ranges of a page with these parameters, which mean this period."""
    return Ranges(
        title_of(query.get("range", "")),
        stretch(period.start, period.end),
        list(TITLES.items()),
        [(name, TITLES[name]) for name in QUICK],
        _given(query, period),
        [(name, value) for name, values in query.lists() if name not in OWN for value in values],
        localdate(),
    )


def title_of(name: str) -> str:
    """`This week`, `Last 5 hours`; empty for a range that has no name."""
    if name in TITLES:
        return str(TITLES[name])
    match last_of(name):
        case (count, "h"):
            return ngettext("Last hour", "Last %(count)s hours", count) % {"count": count}
        case (count, "d"):
            return ngettext("Last day", "Last %(count)s days", count) % {"count": count}
    return ""


def period_in_form(form: Mapping[str, str]) -> dict[str, str | None]:
    """The parameters that the fields of the form stand for, and none of the fields; empty where none is filled in.

    Days are in either order, and both belong to the period; hours are of the first and of the last. What is no day or
    number becomes a parameter all the same, which is refused as every other.
    """
    given = {name: form.get(name, "").strip() for name in FIELDS}
    days = sorted(filter(None, (given["first_day"], given["last_day"])))
    if given["last"]:
        period = {"range": given["last"] + given["unit"]}
    elif days:
        period = {"start": _joined(days[0], given["since"]), "end": _end(days[-1], given["until"])}
    else:
        return {}
    return dict.fromkeys((*FIELDS, *PERIOD)) | period


def _end(day, until):
    """Midnight is the one at the end of the day."""
    if until not in ("", MIDNIGHT):
        return _joined(day, until)
    try:
        return str(date.fromisoformat(day) + timedelta(days=1))
    except (ValueError, OverflowError):
        return day


def _joined(day, clock):
    return f"{day}T{clock}" if clock else day


def _given(query, period):
    """What the form holds where it stands for the present range."""
    count, unit = last_of(query.get("range", "")) or ("", "h")
    given = {"last": str(count), "unit": unit}
    if days := whole_days(period, settings.TIME_ZONE):
        return given | {"first_day": str(days[0]), "last_day": str(days[1])}
    if period.start is None or period.end is None:
        return given
    start, end = (
        datetime.fromtimestamp(edge // SECOND_US, get_current_timezone()) for edge in (period.start, period.end)
    )
    day_before = end.strftime("%H:%M") == MIDNIGHT
    return given | {
        "first_day": str(start.date()),
        "since": start.strftime("%H:%M"),
        "last_day": str(end.date() - timedelta(days=day_before)),
        "until": end.strftime("%H:%M"),
    }
