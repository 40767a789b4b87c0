"""Pages. Each asks its questions and hands the answers to a template; usage.pages is the frame around all."""

from django.utils.timezone import get_current_timezone

from usage import analytics
from usage.cards import cards
from usage.comparisons import comparison
from usage.heat import rows
from usage.pace import pace, peak
from usage.pages import drill, page
from usage.periods import QUARTER


@page("usage/overview.html")
def overview(request, asked):
    """The period at a glance."""
    found, compared = analytics.overview(asked), comparison(asked)
    return {
        "drill": drill(request),
        "cards": cards(found, compared, pace(asked), peak(found)),
        "heat": rows(found.health_grid, QUARTER, get_current_timezone()),
    }
