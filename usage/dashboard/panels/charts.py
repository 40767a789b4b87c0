"""What the script that draws a chart is told. Pure."""

from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from usage.analytics.timelines import Timeline
from usage.analytics.tokenclasses import TokenClass


def chart_data(found: Timeline, drill: str) -> dict:
    """Buckets, named layers, and the address that a click on a bar narrows down."""
    return {
        "measure": found.measure,
        "step": found.step,
        "buckets": found.buckets,
        "end": found.end,
        "layers": [{"key": layer.key, "label": _label(layer, found), "values": layer.values} for layer in found.layers],
        "param": found.by,
        "drill": drill,
    }


class Slice(NamedTuple):
    """A part of a split bar, in per cent of its width."""

    x: str
    width: str
    colour: int


def split(classes: list[TokenClass]) -> dict:
    """Token classes as a table and as two bars, of tokens and of cost."""
    all_tokens, all_cost = sum(part.tokens for part in classes), sum(part.cost for part in classes)
    bars = [("tokens", [part.tokens for part in classes]), ("cost", [part.cost for part in classes])]
    return {
        "classes": classes,
        "all_tokens": all_tokens,
        "all_cost": all_cost,
        "bars": [(name, _slices(values)) for name, values in bars if any(values)],
    }


def _slices(values):
    whole, slices, x = sum(values), [], 0.0
    for colour, value in enumerate(values, 1):
        width = value / whole * 100
        slices.append(Slice(f"{x:.2f}", f"{max(0, width - 0.15):.2f}", colour))
        x += width
    return slices


def _label(layer, found):
    if layer.key is None:
        return ngettext("%(count)s other", "%(count)s others", found.others) % {"count": found.others}
    return layer.label or _("none")
