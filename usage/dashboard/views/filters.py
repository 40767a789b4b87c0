"""The filter panel: every value that occurs in the period, as a form."""

from django.urls import NoReverseMatch, reverse

from usage.analytics.options import filter_options
from usage.dashboard.pages import page
from usage.query.filters import UsageFilter


@page("usage/filters.html")
def filters(request, filters):
    """All choices of the period; the other filters of the page do not narrow them."""
    return {
        "options": filter_options(UsageFilter(filters.period)),
        "action": _address(request.GET.get("for", "")),
        "chosen": dict(request.query.lists()),
    }


def _address(name):
    """The address of the page that the form filters; the Overview for an unknown name."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return reverse("overview")
