"""The filter panel: every value that occurs in the period, as a form."""

from django.urls import reverse

from usage.analytics.options import filter_options
from usage.dashboard.frame import NAV
from usage.dashboard.pages import page
from usage.query.filters import UsageFilter
from usage.query.names import grouping_labels

FILTERED = (*NAV, "failures")  # the pages that the form can filter


@page("usage/filters.html")
def filters(request, filters):
    """All choices of the period; the other filters of the page do not narrow them."""
    name = request.GET.get("for")
    options, labels = filter_options(UsageFilter(filters.period)), grouping_labels().values()
    return {
        "labels": [(label, _choices(options, label), request.query.getlist(label.name)) for label in labels],
        "action": reverse(name if name in FILTERED else "overview"),
    }


def _choices(options, label) -> list[tuple[str, str]]:
    """(the value a filter takes, how to show it) of each value that occurs."""
    if found := getattr(options, f"{label.name}_options", None):
        return [(getattr(option, label.name), option.label) for option in found]
    return [(value, value) for value in getattr(options, f"{label.name}s", ())]
