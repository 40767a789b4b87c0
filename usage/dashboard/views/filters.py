"""The filter panel: what occurs in the period and can be filtered by, as a form."""

from django.urls import NoReverseMatch, reverse

from usage.analytics.options import filter_options
from usage.dashboard.pages import page
from usage.query.filters import UsageFilter


@page("usage/filters.html")
def filters(request, filters):
    """Every choice there is in the period, whatever else is filtered by now."""
    return {
        "options": filter_options(UsageFilter(filters.period)),
        "action": _page(request.GET.get("for", "")),
        "chosen": {name: request.query.getlist(name) for name in request.query},
    }


def _page(name):
    """The page to go back to; the Overview for a name that is none."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return reverse("overview")
