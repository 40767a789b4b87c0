"""What charts draw: the data of the script's timeline, and the bars of token classes."""

from typing import NamedTuple
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from msgspec import to_builtins

from pricing.tokenclasses import TOKEN_CLASSES
from usage.analytics.timelines import FAILURE_RATE, LATENCY, MEASURE_TITLES, STACKED, Timeline
from usage.analytics.tokenclasses import FEES, TokenClass
from usage.dashboard.currency import current
from usage.dashboard.moments import stretch
from usage.dashboard.panels.cards import points_changed, relative
from usage.time.periods import parse_moment
from usage.time.units import MINUTE_US

GAP = 0.15  # between the slices of a bar, in per cent of its width
LAST_COLOUR = 7
CLASS_TITLES = {each.name: each.title for each in TOKEN_CLASSES} | {FEES: gettext_noop("Fees per request")}


class Slice(NamedTuple):
    """A part of a split bar, in per cent of its width."""

    x: str
    width: str
    colour: int


class Line(NamedTuple):
    """A layer as it is drawn, in the currency of the page; `narrow` are the filters of its requests: `&name=value`."""

    key: str | None
    label: str
    colour: int
    values: list[float | None]
    narrow: str

    def at(self, rate: float) -> "Line":
        """The line in another currency; `rate` is its units for one of this currency."""
        return self._replace(values=[value and value * rate for value in self.values])


def chart_data(found: Timeline, drill: str) -> dict:
    """Buckets, layers, the line of an earlier period, and the address that a click on a bar leads to."""
    rate = float(current().rate) if found.measure == "cost" else 1
    lines = [_line(layer, found, place) for place, layer in enumerate(found.layers, 1)]
    earlier = [Line(None, _("before"), 0, found.earlier.values, "")] if found.earlier else []
    drawn = [line.at(rate)._asdict() for line in lines + earlier]
    return {
        **to_builtins(found),
        "layers": drawn[: len(lines)],
        "earlier": drawn[-1] if earlier else None,
        "drill": drill,
        "sign": current().sign,
    }


def _line(layer, found, place):
    colour, narrow = min(place, LAST_COLOUR), ""
    if found.measure in STACKED:
        narrow = "" if layer.key is None else "&" + urlencode({found.by: layer.key})
        return Line(layer.key, _label(layer, found), colour if narrow else LAST_COLOUR, layer.values, narrow)
    if found.measure == FAILURE_RATE:
        narrow = "&result=failed"
    label = str(MEASURE_TITLES.get(layer.key) or _(CLASS_TITLES.get(layer.key, layer.key)))
    return Line(layer.key, label, colour, layer.values, narrow)


def versus(start: int, end: int) -> str:
    """What a figure is compared with, [start, end) in µs, to the minute."""
    return _("vs %(period)s") % {"period": stretch(start, -(-end // MINUTE_US) * MINUTE_US)}


def earlier_words(found: Timeline) -> dict:
    """The earlier period in words, its figure, and the change since; {} without one."""
    if not found.earlier:
        return {}
    totals = [layer.total for layer in found.layers]
    is_amount = found.measure not in (FAILURE_RATE, LATENCY)
    now = (sum(totals) if is_amount else totals[0]) if totals else None
    change = points_changed if found.measure == FAILURE_RATE else relative
    moments = (parse_moment(at, "UTC") for at in (found.earlier.start, found.earlier.end))
    return {"versus": versus(*moments), "total": found.earlier.total, "change": change(now, found.earlier.total)[0]}


def split(classes: list[TokenClass]) -> dict:
    """Token classes as a table and as two bars, of tokens and of cost."""
    values = {name: [getattr(part, name) for part in classes] for name in ("tokens", "cost")}
    return {
        "classes": classes,
        "all_tokens": sum(values["tokens"]),
        "all_cost": sum(values["cost"]),
        "bars": [(name, _slices(parts)) for name, parts in values.items() if any(parts)],
    }


def _label(layer, found):
    if layer.key is None:
        return ngettext("%(count)s other", "%(count)s others", found.others) % {"count": found.others}
    return layer.label or _("none")


def _slices(values):
    whole, slices, x = sum(values), [], 0.0
    for colour, value in enumerate(values, 1):
        width = value / whole * 100
        slices.append(Slice(f"{x:.2f}", f"{max(0, width - GAP):.2f}", colour))
        x += width
    return slices
