"""Pages about usage. Each asks its questions and hands the answers to a template; dashboard.pages is the frame."""

from django.shortcuts import render
from django.utils.timezone import get_current_timezone

from usage.analytics.accounts.accounts import accounts as accounts_of
from usage.analytics.breakdowns import breakdown, matrix
from usage.analytics.comparisons import against, comparison
from usage.analytics.events.paging import newest
from usage.analytics.failures import failures as failures_of
from usage.analytics.health import health as health_of
from usage.analytics.latency import latency, medians
from usage.analytics.overview import overview as overview_of
from usage.analytics.pace import pace, peak
from usage.analytics.timelines import MEASURE_TITLES, STACKED, timeline
from usage.analytics.tokenclasses import token_classes
from usage.dashboard.pages import checked_form, choice, drill, frame, page
from usage.dashboard.panels.cards import cards
from usage.dashboard.panels.chartdata import chart_data, split
from usage.dashboard.panels.checklist import checklist
from usage.dashboard.panels.crosstab import crosstab
from usage.dashboard.panels.heat import months, rows
from usage.dashboard.panels.toplists import top
from usage.ops.notices import notices
from usage.query.forms import YearForm
from usage.query.names import grouping_labels
from usage.query.snapshots import snapshot
from usage.time.units import FIVE_MINUTES_S, QUARTER_S

LATEST = 8
CHART_LABELS = ("model", "api_key", "source", "provider")
TOPS = ("model", "api_key", "source")


@page("usage/overview.html")
def overview(request, filters):
    """The period at a glance; before the first record, what is still to do."""
    if steps := checklist():
        return render(request, "usage/first_run.html", {**frame(request), "steps": steps, "live": 3})
    by, measure = choice(request, "by", CHART_LABELS, "model"), choice(request, "measure", STACKED, "cost")
    with snapshot():
        found = {**_cards(filters), **_shares(filters, by, measure), "latest": newest(filters, LATEST)}
    notes = notices(found["compared"].current)  # which may write down a refusal
    return {"live": 5, "notices": notes, "chart_data": chart_data(found["chart"], drill(request)), **found}


def _cards(filters):
    """Cards and the grid, of the same overview."""
    found, compared = overview_of(filters), comparison(filters)
    return {
        "compared": compared,
        "against": against(compared),
        "cards": cards(found, compared, medians(filters), pace(filters), peak(found)),
        "heat": rows(found.health_grid, QUARTER_S, get_current_timezone()),
    }


def _shares(filters, by, measure):
    """The chart, and the lists that wear its colours."""
    chart = timeline(filters, by, measure)
    return {
        "chart": chart,
        "tops": [(name, top(breakdown(filters, name), measure, chart)) for name in TOPS],
    }


@page("usage/accounts.html")
def accounts(request, filters):
    """Upstream accounts: usage, the last day, and quotas."""
    return {"live": 10, "accounts": accounts_of(filters)}


@page("usage/analysis.html")
@snapshot()
def analysis(request, filters):
    """Who and what used how much: by class, by label, and keys against models."""
    measure = choice(request, "measure", STACKED, "cost")
    labels = grouping_labels()
    by = choice(request, "by", labels, "model")
    keys, models = breakdown(filters, "api_key"), breakdown(filters, "model")
    return {
        "measure": measure,
        "measures": MEASURE_TITLES.items(),
        "breakdown": breakdown(filters, by),
        "label": labels[by],
        "labels": labels,
        "speeds": latency(filters),
        "cross": crosstab(keys, models, matrix(filters, "api_key", "model"), measure),
        **split(token_classes(filters).classes),
    }


@page("usage/failures.html")
def failures(request, filters):
    """Why requests failed; filters for by itself, for it reads single events."""
    return {"failures": failures_of(filters)}


@page("usage/health.html")
def health(request, filters):
    """A year of days, and one of them in cells of five minutes."""
    chosen = checked_form(YearForm(request.GET))
    found = health_of(filters, chosen["year"], chosen["day"])
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
