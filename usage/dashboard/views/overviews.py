"""Pages about usage: each view collects answers of usage.analytics for its template."""

from datetime import date, timedelta
from functools import partial

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.shortcuts import render
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from usage.analytics.breakdowns import breakdown, cells_of
from usage.analytics.choices import ChartForm, TimelineForm
from usage.analytics.comparisons import NONE, PREVIOUS, comparison
from usage.analytics.coverage import covered as covered_by
from usage.analytics.coverage import without_cost
from usage.analytics.events.paging import counted, newest
from usage.analytics.failures import failures as failures_of
from usage.analytics.health import health as health_of
from usage.analytics.latency import latency, medians
from usage.analytics.overview import overview as overview_of
from usage.analytics.overview import pace, peak, recorded_since
from usage.analytics.reports.digests import WEEK, Digest, week_of
from usage.analytics.reports.digests import digest as digest_of
from usage.analytics.reports.statements import statement as statement_of
from usage.analytics.reports.worth import worth
from usage.analytics.timelines import FAILURE_RATE, LATENCY, MEASURE_TITLES, STACKED, timeline
from usage.analytics.tokenclasses import token_classes
from usage.dashboard.currency import amount, currency_of
from usage.dashboard.formats import compact, exact, percent
from usage.dashboard.frame import drill, frame
from usage.dashboard.pages import page
from usage.dashboard.panels.cards import cards, cost_notes, points_changed, relative
from usage.dashboard.panels.charts import chart_data, earlier_words, split, versus
from usage.dashboard.panels.crosstab import crosstab
from usage.dashboard.panels.empties import nothing
from usage.dashboard.panels.heatmap import months, rows
from usage.dashboard.panels.rankings import ranking
from usage.ops.checklist import checklist
from usage.query.forms import YearForm, checked
from usage.query.largest import MOST
from usage.query.names import grouping_labels
from usage.query.snapshots import snapshot
from usage.time.clock import now_us
from usage.time.periods import ALWAYS, LAST_MOMENT, local_date, month_after, rfc3339_utc
from usage.time.units import FIVE_MINUTES_S, QUARTER_S, SECOND_US

LATEST = 8
ROWS = 100  # of a table
RANKED_BY = {"token_classes": "tokens", FAILURE_RATE: "failed", LATENCY: "requests"}  # where it is no measure itself
RANKED = ("model", "api_key", "source")
FEW_DAYS = 7  # with so many days of records or fewer, Health opens with the newest of them
BAD_WEEK = gettext_lazy("A week is a year from 1970 to 2199 and a number, such as 2026-W48.")


class WeekForm(forms.Form):
    """The Monday of a week as ISO 8601 counts them; None for a blank."""

    week = forms.DateField(
        required=False,
        input_formats=["%G-W%V-%u"],
        validators=[MinValueValidator(date(1970, 1, 12)), MaxValueValidator(date(2199, 12, 1))],
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), BAD_WEEK),
    )


@page("usage/overview.html")
def overview(request, filters):
    """The most important figures of the period; before the first record, the steps of the installation."""
    if steps := _steps(request):
        return _first_run(request, steps)
    chosen = checked(ChartForm(request.GET)).cleaned_data
    with snapshot():
        compare = PREVIOUS if chosen["compare"] == NONE else chosen["compare"]
        found = {**_cards(filters, compare), **_chart(filters, **chosen), "latest": newest(filters, LATEST)}
    return {"live": 5, "chart_data": chart_data(found["chart"], drill(request, filters.period)), **found}


def _steps(request):
    """The steps of the installation before the first record; none in a shared view, whose readers are strangers."""
    return [] if hasattr(request, "shared") else checklist(request.watch)


def _first_run(request, steps):
    return render(request, "usage/first_run.html", {**frame(request), "steps": steps, "live": 3})


def _cards(filters, compare):
    """The cards and the heat map, which share one overview."""
    found, compared, covered = overview_of(filters), comparison(filters, compare), covered_by(filters)
    return {
        "compared": compared,
        "cost_notes": cost_notes(covered, compared.current.without_tokens),
        "versus": compared.previous and versus(compared.previous_start, compared.previous_end),
        "cards": cards(found, compared, covered, medians(filters), pace(filters), peak(found)),
        "worth": not filters.of_failures and worth(filters),
        "heat": _heat(found.health_grid, QUARTER_S, filters.period, found.generated_at),
    }


def _chart(filters, by, measure, compare):
    """The chart, and the rankings that have its colours."""
    chart = timeline(filters, by, measure, compare)
    ranked, is_failures = RANKED_BY.get(measure, measure), measure == "requests" and filters.of_failures
    return {
        "chart": chart,
        "title": _("%(measure)s over time") % {"measure": _("Failures") if is_failures else MEASURE_TITLES[measure]},
        "is_stacked": measure in STACKED,
        "compare": compare,
        "compared_chart": earlier_words(chart),
        "measures": MEASURE_TITLES.items(),
        "ranked_by": ranked,
        "tops": [(name, _ranking(filters, name, ranked, chart)) for name in RANKED],
    }


def _ranking(filters, name, measure, chart):
    stacked = STACKED.get(measure, measure)
    found = breakdown(filters, name, MOST, stacked, (stacked,))
    return ranking(found, measure, chart, without_cost(filters, name) if measure == "cost" else None)


@page("usage/analysis.html")
@snapshot()
def analysis(request, filters):
    """Usage by token class, by label, and keys against models."""
    by, measure = checked(TimelineForm(request.GET)).cleaned_data.values()
    labels = grouping_labels()
    keys, models = (breakdown(filters, name, MOST, STACKED[measure]) for name in ("api_key", "model"))
    return {
        "measure": measure,
        "measures": [(name, MEASURE_TITLES[name]) for name in STACKED],
        "breakdown": breakdown(filters, by, ROWS),
        "unpriced": without_cost(filters, by),
        "label": labels[by],
        "labels": labels,
        "speeds": latency(filters, ROWS),
        "cross": crosstab(keys, models, partial(cells_of, filters, "api_key", "model"), measure),
        **split(token_classes(filters).classes),
    }


@page("usage/failures.html")
def failures(request, filters):
    """Why requests failed; a page of its own, loaded into the analysis later, because it reads single events."""
    found = failures_of(filters)
    return (
        {"failures": found} if found.total else {"failures": found, "all": counted(filters), **nothing(request, True)}
    )


@page("usage/statement.html")
def statement(request, filters):
    """What was used by day and model, and the prices behind it, to be printed; with links to the last months."""
    first = localdate().replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    return {"statement": statement_of(filters), "months": [(before, first), (first, month_after(first))]}


def _heat(grid, seconds, period=ALWAYS, until=""):
    """Rows of cells, up to those that begin at `until`; they count from the first record to now, within the period."""
    start, end = period.start or 0, period.end or LAST_MOMENT
    since = max(recorded_since() or 0, start // SECOND_US // seconds * seconds)
    now = min(now_us(), end - 1) // SECOND_US
    return rows(grid, seconds, rfc3339_utc(since), rfc3339_utc(now), until=until, period=period)


@page("usage/health.html")
@snapshot()
def health(request, filters):
    """A year of days, and one of them in cells of five minutes; before the first record, the first steps."""
    chosen = checked(YearForm(request.GET)).cleaned_data
    if steps := _steps(request):
        return _first_run(request, steps)
    found, since = health_of(filters, **chosen), recorded_since() or 0
    used = [day.date for day in found.days if day.total]
    if 0 < len(used) <= FEW_DAYS and not found.selected_day:
        found = health_of(filters, found.year, date.fromisoformat(used[-1]))
    return {
        "since": rfc3339_utc(since),
        "live": 30,
        "no_range": True,
        "health": found,
        "months": months(found.days, local_date(since, settings.TIME_ZONE).isoformat(), localdate().isoformat()),
        "years": sorted({found.year, *(year.year for year in found.years)}),
        "total": sum(day.total for day in found.days),
        "failed": sum(day.failed for day in found.days),
        "heat": _heat(found.detail, FIVE_MINUTES_S),
    }


@page("usage/digest.html", cached=False)
def digest(request, filters):
    """What a week came to, the last whole one or `?week=`; its links lead to the requests of that week."""
    text, this = request.GET.get("week", "").strip(), localdate() - timedelta(days=localdate().weekday())
    monday = checked(WeekForm({"week": text and f"{text}-1"})).cleaned_data["week"] or this - WEEK
    found = digest_of(filters, monday, now_us())
    for name in ("range", "week"):
        request.query.pop(name, None)
    request.query.update({"start": monday.isoformat(), "end": (monday + WEEK).isoformat()})
    with currency_of(week_of(monday)):
        context = {
            "digest": found,
            "figures": _of_digest(found),
            "most": max(figures.total for _, figures in found.days),
            "sunday": monday + timedelta(days=6),
            "around": [f"{day:%G-W%V}" for day in (monday - WEEK, monday, monday + WEEK)],
            "is_last": monday >= this,
        }
        return render(request, "usage/digest.html", {**frame(request), **context})


def _of_digest(found: Digest) -> list[tuple[str, str, tuple[str, str], str]]:
    """(name, figure, its change and whether that is up or down where one is better, else flat, a detail) of each."""
    now, before = found.figures, found.before

    def change(field, changed=relative):
        return changed(getattr(now, field), getattr(before, field)) if before else ("", "")

    of_clients = _("%(count)s from clients") % {"count": exact(now.client_requests)}
    output = _("%(count)s output") % {"count": compact(now.output_tokens)}
    from_cache = _("%(share)s of input from cache") % {"share": percent(now.cache_hit_rate)}
    return [
        (_("Requests"), compact(now.total), change("total"), of_clients),
        (_("Answered"), percent(now.answered_rate), change("answered_rate", points_changed), ""),
        (_("Tokens"), compact(now.total_tokens), change("total_tokens"), output),
        (_("Cost"), amount(now.known_cost).text, change("known_cost"), ""),
        (_("Cache saved"), amount(found.cache_saved).text, ("", ""), from_cache if now.input_total else ""),
    ]
