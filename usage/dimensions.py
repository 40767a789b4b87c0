"""What usage can be cut by: how each cut is named, and which parameter of a filter it answers to."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from usage.filters import NO_KEY


@dataclass(frozen=True)
class Dimension:
    """One way to cut; `of` gives the (key, label) of a series."""

    name: str
    title: str
    param: str  # the filter that shows one part alone; '' where there is none
    of: Callable


def _model(series):
    return series.model.name, series.model.name


def _key(series):
    return series.api_key.fingerprint or NO_KEY, str(series.api_key)


def _source(series):
    return series.source, series.source_display or series.source


def _labelled(name):
    return lambda series: (getattr(series, name),) * 2


DIMENSIONS = {
    each.name: each
    for each in (
        Dimension("model", _("Model"), "model", _model),
        Dimension("api_key", _("Key"), "api_key", _key),
        Dimension("source", _("Source"), "source", _source),
        Dimension("provider", _("Provider"), "provider", _labelled("provider")),
        Dimension("endpoint", _("Endpoint"), "endpoint", _labelled("endpoint")),
        Dimension("requested_model", _("Requested model"), "", _labelled("requested_model")),
        Dimension("effort", _("Effort"), "", _labelled("reasoning_effort")),
        Dimension("tier", _("Tier"), "", _labelled("tier")),
    )
}
