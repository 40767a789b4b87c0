"""What usage can be cut by: how each cut is named, and which parameter of a filter it answers to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from usage.filters import NO_KEY, NOTHING, UsageFilter
from usage.models import Series


class Labels(NamedTuple):
    """What a series is called by; plain values, for thousands of model instances take their time."""

    model: str
    api_key: str
    api_key_name: str
    source: str
    source_display: str
    provider: str
    endpoint: str
    requested_model: str
    effort: str
    tier: str


def labels_of(asked: UsageFilter) -> dict[int, Labels]:
    """The labels of every series that a filter admits, by id."""
    columns = ("id", "model__name", "api_key__fingerprint", "api_key__alias", "api_key__mask", "source")
    columns += ("source_display", "provider", "endpoint", "requested_model", "reasoning_effort", "tier")
    return {
        id: Labels(model, key or NO_KEY, alias or mask or "no key", *rest)
        for id, model, key, alias, mask, *rest in Series.objects.matching(asked).values_list(*columns)
    }


@dataclass(frozen=True)
class Dimension:
    """One way to cut; `of` gives (key, how to show it) of a series' labels."""

    name: str
    title: str
    param: str  # the filter that shows one part alone
    of: Callable


def _named(key, shown=None):
    return lambda labels: (getattr(labels, key) or NOTHING, getattr(labels, shown or key) or getattr(labels, key))


DIMENSIONS = {
    each.name: each
    for each in (
        Dimension("model", _("Model"), "model", _named("model")),
        Dimension("api_key", _("Key"), "api_key", _named("api_key", "api_key_name")),
        Dimension("source", _("Source"), "source", _named("source", "source_display")),
        Dimension("provider", _("Provider"), "provider", _named("provider")),
        Dimension("endpoint", _("Endpoint"), "endpoint", _named("endpoint")),
        Dimension("requested_model", _("Requested model"), "requested_model", _named("requested_model")),
        Dimension("effort", _("Effort"), "reasoning_effort", _named("effort")),
        Dimension("tier", _("Tier"), "tier", _named("tier")),
    )
}
