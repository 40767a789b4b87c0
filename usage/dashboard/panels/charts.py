"""What charts draw: the data of the script's timeline, and the bars of token classes."""

from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import to_builtins

from usage.analytics.timelines import Timeline
from usage.analytics.tokenclasses import TokenClass
from usage.dashboard.currency import current

GAP = 0.15  # between the slices of a bar, in per cent of its width


class Slice(NamedTuple):
    """A part of a split bar, in per cent of its width."""

    x: str
    width: str
    colour: int


def chart_data(found: Timeline, drill: str) -> dict:
    """Buckets, named layers, and the address that a click on a bar leads to, with the bar's filters added.

    Costs are in the currency of the page, whose sign goes along.
    """
    rate = float(current().rate) if found.measure == "cost" else 1
    layers = [
        {**to_builtins(layer), "values": [value * rate for value in layer.values], "label": _label(layer, found)}
        for layer in found.layers
    ]
    return {**to_builtins(found), "layers": layers, "drill": drill, "sign": current().sign}


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
