"""Pages about usage. Each asks its questions and hands the answers to a template; dashboard.pages is the frame."""

from django.shortcuts import render
from django.utils.timezone import get_current_timezone

from usage.analytics import questions as analytics
from usage.analytics.accounts import accounts as accounts_of
from usage.analytics.breakdowns import breakdowns, matrix
from usage.analytics.comparisons import against, comparison
from usage.analytics.costclasses import token_classes
from usage.analytics.failures import failures as failures_of
from usage.analytics.latency import latency
from usage.analytics.medians import medians
from usage.analytics.pace import pace, peak
from usage.analytics.timelines import MEASURE_TITLES, STACKED, timeline
from usage.dashboard.pages import checked_form, choice, drill, frame, page
from usage.dashboard.panels.cards import cards
from usage.dashboard.panels.chartdata import chart_data, split
from usage.dashboard.panels.checklist import checklist
from usage.dashboard.panels.crosstab import crosstab
from usage.dashboard.panels.heat import months, rows
from usage.dashboard.panels.toplists import top
from usage.ops.notices import notices
from usage.query.dimensions import DIMENSIONS
from usage.query.filters import YearForm
from usage.query.snapshots import snapshot
from usage.time.units import FIVE_MINUTES_S, QUARTER_S

LATEST = 8
OVERVIEW_CUTS = ("model", "api_key", "source", "provider")
TOPS = ("model", "api_key", "source")


@page("usage/overview.html")
def overview(request, asked):
    """The period at a glance; before the first record, what is still to do."""
    if steps := checklist():
        return render(request, "usage/first_run.html", {**frame(request), "steps": steps, "live": 3})
    by, measure = choice(request, "by", OVERVIEW_CUTS, "model"), choice(request, "measure", STACKED, "cost")
    with snapshot():
        found = {**_glance(asked), **_shares(asked, by, measure), "latest": analytics.latest(asked, LATEST)}
    notes = notices(found["compared"].current)  # which may write down a refusal
    return {"live": 5, "notices": notes, "chart_data": chart_data(found["chart"], drill(request)), **found}


def _glance(asked):
    """Cards and the grid, of the same overview."""
    found, compared = analytics.overview(asked), comparison(asked)
    return {
        "compared": compared,
        "against": against(compared),
        "cards": cards(found, compared, medians(asked), pace(asked), peak(found)),
        "heat": rows(found.health_grid, QUARTER_S, get_current_timezone()),
    }


def _shares(asked, by, measure):
    """The chart, and the lists that wear its colours."""
    chart = timeline(asked, by, measure)
    return {
        "chart": chart,
        "tops": [(name, top(cut, measure, chart)) for name, cut in breakdowns(asked, *TOPS).items()],
    }


@page("usage/accounts.html")
def accounts(request, asked):
    """Upstream accounts: usage, the last day, and quotas."""
    return {"live": 10, "accounts": accounts_of(asked)}


@page("usage/analysis.html")
@snapshot()
def analysis(request, asked):
    """Who and what used how much: by class, by label, and keys against models."""
    measure = choice(request, "measure", STACKED, "cost")
    cut = choice(request, "by", DIMENSIONS, "model")
    found = breakdowns(asked, cut, "api_key", "model")
    return {
        "measure": measure,
        "measures": MEASURE_TITLES.items(),
        "cut": found[cut],
        "dimension": DIMENSIONS[cut],
        "dimensions": DIMENSIONS,
        "speeds": latency(asked),
        "cross": crosstab(found["api_key"], found["model"], matrix(asked, "api_key", "model"), measure),
        **split(token_classes(asked)),
    }


@page("usage/failures.html")
def failures(request, asked):
    """Why requests failed; asked for by itself, for it reads single events."""
    return {"failures": failures_of(asked)}


@page("usage/health.html")
def health(request, asked):
    """A year of days, and one of them in cells of five minutes."""
    chosen = checked_form(YearForm(request.GET))
    found = analytics.health(asked, chosen["year"], chosen["day"])
    return {
        "live": 30,
        "no_range": True,
        "health": found,
        "months": months(found.days),
        "years": sorted({found.year, *(year.year for year in found.years)}),
        "total": sum(day.total for day in found.days),
        "failed": sum(day.failed for day in found.days),
        "heat": rows(found.detail, FIVE_MINUTES_S, get_current_timezone()),
    }
