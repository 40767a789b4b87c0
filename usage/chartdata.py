"""What the script that draws a chart is told. Pure."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from usage.dimensions import DIMENSIONS
from usage.timelines import Timeline


def chart_data(found: Timeline, drill: str) -> dict:
    """Buckets, named layers, and the address that a click on a bar narrows down."""
    return {
        "measure": found.measure,
        "step": found.step,
        "buckets": found.buckets,
        "end": found.end,
        "layers": [{"key": layer.key, "label": _label(layer, found), "values": layer.values} for layer in found.layers],
        "param": DIMENSIONS[found.by].param,
        "drill": drill,
    }


def _label(layer, found):
    if layer.key is None:
        return ngettext("%(count)s other", "%(count)s others", found.others) % {"count": found.others}
    return layer.label or _("none")
