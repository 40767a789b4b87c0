"""Pages about usage. Each asks its questions and hands the answers to a template; usage.pages is the frame."""

from django.utils.timezone import get_current_timezone

from usage import analytics
from usage.breakdowns import breakdowns
from usage.cards import cards
from usage.chartdata import chart_data
from usage.comparisons import against, comparison
from usage.heat import rows
from usage.notices import notices
from usage.pace import pace, peak
from usage.pages import choice, drill, page
from usage.periods import QUARTER
from usage.timelines import STACKED, timeline
from usage.toplists import top

LATEST = 8
OVERVIEW_CUTS = ("model", "api_key", "source", "provider")
TOPS = ("model", "api_key", "source")


@page("usage/overview.html")
def overview(request, asked):
    """The period at a glance."""
    measure = choice(request, "measure", STACKED, "cost")
    found, compared = analytics.overview(asked), comparison(asked)
    chart = timeline(asked, choice(request, "by", OVERVIEW_CUTS, "model"), measure)
    return {
        "live": 5,
        "compared": compared,
        "against": against(compared),
        "notices": notices(compared.current),
        "cards": cards(found, compared, pace(asked), peak(found)),
        "chart": chart,
        "chart_data": chart_data(chart, drill(request)),
        "tops": [(name, top(cut, measure, chart)) for name, cut in breakdowns(asked, *TOPS).items()],
        "heat": rows(found.health_grid, QUARTER, get_current_timezone()),
        "latest": analytics.events(asked, 1, 20).items[:LATEST],
    }
