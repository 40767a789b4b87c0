"""What usage can be cut by: how each cut is named, and which parameter of a filter it answers to."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from usage.models import Cut, Series
from usage.models.labelled import key_name
from usage.query.filters import NO_KEY, NOTHING, UsageFilter
from usage.query.snapshots import once


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
    context_over: int
    model_id: int

    @property
    def fingerprint(self):
        """Of the client key, as it is stored."""
        return "" if self.api_key == NO_KEY else self.api_key


@once
def labels_of(asked: UsageFilter) -> dict[int, Labels]:
    """The labels of every series that a filter admits, by id."""
    columns = ("id", "model__name", "api_key__fingerprint", "api_key__alias", "api_key__mask", "source")
    columns += ("source_display", "provider", "endpoint", "requested_model", "reasoning_effort", "tier")
    columns += ("context_over", "model_id")
    return {
        id: Labels(model, key or NO_KEY, key_name(alias, mask), *rest)
        for id, model, key, alias, mask, *rest in Series.objects.matching(asked).order_by().values_list(*columns)
    }


@dataclass(frozen=True)
class Dimension:
    """One way to cut; `of` gives (key, how to show it) of a series' labels."""

    name: str
    title: str
    param: str  # the filter that shows one part alone
    of: Callable
    cut_of: Callable | None  # the value of the Cut by this label (its param) that a series counts in, if there are any


def _dimension(name, title, param=None, shown=None, stored=None):
    """`shown` and `stored`: the fields of Labels that name a value for people and in cuts, where `name` does not."""

    def of(labels):
        return getattr(labels, name) or NOTHING, getattr(labels, shown or name) or getattr(labels, name)

    param = param or name
    return Dimension(name, title, param, of, attrgetter(stored or name) if param in Cut.Label else None)


DIMENSIONS = {
    each.name: each
    for each in (
        _dimension("model", _("Model")),
        _dimension("api_key", _("Key"), shown="api_key_name", stored="fingerprint"),
        _dimension("source", _("Source"), shown="source_display"),
        _dimension("provider", _("Provider")),
        _dimension("endpoint", _("Endpoint")),
        _dimension("requested_model", _("Requested model")),
        _dimension("effort", _("Effort"), param="reasoning_effort"),
        _dimension("tier", _("Tier")),
    )
}
