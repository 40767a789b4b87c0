"""The filter panel: every value that occurs in the period, as a form."""

from django.urls import NoReverseMatch, reverse

from usage.analytics.options import filter_options
from usage.dashboard.pages import page
from usage.query.filters import UsageFilter
from usage.query.names import grouping_labels


@page("usage/filters.html")
def filters(request, filters):
    """All choices of the period; the other filters of the page do not narrow them."""
    options, labels = filter_options(UsageFilter(filters.period)), grouping_labels().values()
    return {
        "labels": [(label, _choices(options, label), request.query.getlist(label.name)) for label in labels],
        "action": _address(request.GET.get("for", "")),
    }


def _choices(options, label) -> list[tuple[str, str]]:
    """(the value a filter takes, how to show it) of each value that occurs."""
    if found := getattr(options, f"{label.name}_options", None):
        return [(getattr(option, label.name), option.label) for option in found]
    return [(value, value) for value in getattr(options, f"{label.name}s", ())]


def _address(name):
    """The address of the page that the form filters; the Overview for an unknown name."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return reverse("overview")
