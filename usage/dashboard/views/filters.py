"""The filter panel: every value that occurs in the period, as a form."""

from typing import NamedTuple

from django.urls import reverse

from usage.analytics.options import filter_options
from usage.dashboard.frame import NAV
from usage.dashboard.pages import page
from usage.dashboard.panels.chips import in_words
from usage.models.labels import NONE, OWNER, Label
from usage.query.filters import UsageFilter
from usage.query.names import grouping_labels, names_with, owners

CHOICES, SUGGESTED = 100, 20
FILTERED = (*NAV, "failures")  # the pages that the form can filter


class Choices(NamedTuple):
    """The values of a label: (what a filter takes, how to show it) of those to choose from, and those that are chosen.

    `total`: how many occur, where these are not all; else 0.
    """

    label: Label
    choices: list[tuple[str, str]]
    picked: list[str]
    total: int


@page("usage/filters.html")
def filters(request, filters):
    """All choices of the period; the other filters of the page do not narrow them."""
    name = request.GET.get("for")
    options, labels = filter_options(UsageFilter(filters.period), CHOICES), grouping_labels().values()
    return {
        "labels": [_choices(options, label, request.query.getlist(label.name)) for label in labels],
        "action": reverse(name if name in FILTERED else "overview"),
    }


@page("usage/choices.html")
def choices(request, filters):
    """Values of a label that a text is found in, as suggestions for the form."""
    label = grouping_labels().get(request.GET.get("label"))
    text = request.GET.get(label.name, "").strip() if label else ""
    return {"choices": names_with(label, text, SUGGESTED) if text else []}


def _choices(options, label, picked) -> Choices:
    if label.name == OWNER:
        shown = [(owner, in_words(OWNER, owner)) for owner in sorted({*owners().values(), *picked})]
    elif found := getattr(options, f"{label.name}_options", None):
        shown = [(getattr(option, label.name), option.label) for option in found]
    else:
        shown = [(value, value) for value in getattr(options, f"{label.name}s", ())]
    known = {value for value, _ in shown}
    total = max(options.totals.get(f"{label.name}{end}", 0) for end in ("s", "_options"))
    chosen = [(text, in_words(label.name, text)) for text in picked if total and text not in known and text != NONE]
    return Choices(label, [*chosen, *shown], picked, total)
