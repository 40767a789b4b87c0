"""The filter panel: every value that occurs in the period, as a form."""

from typing import NamedTuple

from django.http import QueryDict
from django.urls import reverse

from usage.analytics.options import filter_options
from usage.dashboard.frame import NAV
from usage.dashboard.links import PERIOD, changed
from usage.dashboard.pages import page
from usage.dashboard.panels.chips import in_words
from usage.models.labels import NONE, NOT, OWNER, Label, filtering
from usage.query.filters import UsageFilter
from usage.query.names import grouping_labels, names_with, owners

CHOICES, SUGGESTED = 100, 20
FILTERED = (*(name for name in NAV if name != "digest"), "failures")  # the pages that the form can filter


class Choices(NamedTuple):
    """The values of a label: (what a filter takes, how to show it) of those to choose from, and those that are chosen,
    to be kept or to be left out.

    `total`: how many occur, where these are not all; else 0.
    """

    label: Label
    choices: list[tuple[str, str]]
    picked: list[str]
    excluded: list[str]
    total: int


@page("usage/filters.html")
def filters(request, filters):
    """All choices of the period, of the label that is asked for first; the other filters do not narrow them."""
    name, first = request.GET.get("for"), request.GET.get("label")
    options = filter_options(UsageFilter(filters.period), CHOICES)
    labels = sorted(grouping_labels().values(), key=lambda label: label.name != first)
    return {
        "labels": [_choices(options, label, request.query) for label in labels],
        "kept": [(name, text) for name, text in _unlisted(request.query)],
        "cleared": changed(QueryDict(mutable=True), {name: request.query.get(name) for name in PERIOD}),
        "action": reverse(name if name in FILTERED else "overview"),
    }


@page("usage/choices.html")
def choices(request, filters):
    """Values of a label that a text is found in, as suggestions for the form."""
    label = grouping_labels().get(request.GET.get("label"))
    text = request.GET.get(label.name, "").strip() if label else ""
    return {"choices": names_with(label, text, SUGGESTED) if text else []}


def _unlisted(query):
    """What the form has no field for: values to be left out of labels without a list, and others than the last."""
    for name, label in filtering().items():
        if not label.grouped:
            yield from ((name, text) for text in query.getlist(name)[: None if name.startswith(NOT) else -1])


def _choices(options, label, query) -> Choices:
    if label.name == OWNER:
        wanted = {*owners().values(), *query.getlist(OWNER)}
        shown = sorted(in_words(OWNER, wanted).items())
    elif found := getattr(options, f"{label.name}_options", None):
        shown = [(getattr(option, label.name), option.label) for option in found]
    else:
        shown = [(value, value) for value in getattr(options, f"{label.name}s", ())]
    if shown and label.column == label.name and not label.shown:
        shown.append((NONE, in_words(label.name, [NONE])[NONE]))
    picked, excluded = (query.getlist(name) for name in (label.name, f"{NOT}{label.name}"))
    known = {value for value, _ in shown}
    total = max(options.totals.get(f"{label.name}{end}", 0) for end in ("s", "_options"))
    chosen = in_words(label.name, [text for text in (*picked, *excluded) if text not in known])
    shown.sort(key=lambda pair: pair[0] not in (*picked, *excluded))
    return Choices(label, [*chosen.items(), *shown], picked, excluded, total)
