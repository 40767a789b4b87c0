"""`{% load figures %}`: filters and tags of numbers, moments, heat maps, failures, links, and columns of requests."""

from itertools import pairwise

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext

from catalog.reported import reported
from cpa_usage.http.static import files_of, is_for_print
from usage.analytics.events.bodies import spoken
from usage.analytics.health import newest_day as newest_day_of
from usage.dashboard import formats, links, markup, moments
from usage.dashboard.panels import heatmap
from usage.dashboard.panels.charts import CLASS_TITLES
from usage.dashboard.panels.columns import COLUMNS, DEFAULT, result
from usage.dashboard.panels.sparklines import area, sparkline
from usage.ops import gaps
from usage.query.forms import UsageFilterForm, checked
from usage.time.periods import clipped

NEARLY_USED_UP, FILLING_UP = 0.95, 0.8
# What a label is, and its icon: requests of that label alone.
ONLY = (
    '<td class="is-{0} labelled" title="{1}">{1}'
    '<a class="only" href="{2}" title="{3}" aria-label="{3}"><span aria-hidden="true">▽</span></a></td>'
)
COPY = ' <button class="link" type="button" data-copy="{}" aria-label="{}" hidden>{}</button>'
register = template.Library()
for function in (
    *(formats.exact, formats.short, formats.usd, formats.percent, formats.duration, formats.size, formats.rate),
    *(markup.count, markup.brief, markup.money, markup.cents, markup.span, markup.middle, markup.about),
    *(markup.cost, markup.measured, markup.signed, markup.dollars, markup.signed_dollars),
    *(moments.moment, moments.from_day, moments.built, moments.ago, moments.until, moments.days),
    *(heatmap.counts, heatmap.strip_classes, sparkline, area, spoken, gaps.when, gaps.reason),
    *(links.status_filter, reported, result),
):
    register.filter(function)
for tag in (links.narrowed, links.day_query, links.account_requests, links.failures_of):
    register.simple_tag(tag)


@register.inclusion_tag("usage/parts/cut.html")
def cut(answer, name):
    """A line that says how many items an answer's list has, where it is cut."""
    total = answer.totals.get(name)
    return {"shown": len(getattr(answer, name)), "total": total and formats.exact(total)}


register.simple_tag(files_of)
register.filter(is_for_print)


@register.simple_tag(takes_context=True)
def newest_day(context):
    """The newest local day (ISO) with anything of the page's filters, whatever its range; empty without one."""
    day = newest_day_of(checked(UsageFilterForm(context["query"])).usage_filter())
    return day.isoformat() if day else ""


@register.filter
def share(part, whole):
    """The share of a whole; None where there is no whole."""
    return part / whole if whole and part is not None else None


@register.filter
def per_million(dollars, tokens):
    """US dollars per million tokens; None without tokens."""
    return dollars / tokens * 1_000_000 if tokens and dollars is not None else None


@register.filter
def failing(figures):
    """Whether so many attempts failed that it should stand out."""
    return bool(figures.total) and figures.failed / figures.total >= heatmap.WARN_SHARE


@register.filter
def class_name(name):
    """The title of a token class."""
    return gettext(CLASS_TITLES[name])


@register.filter
def spread(distribution):
    """Classes of the buckets of a distribution: blue, for slow is no failure."""
    most = max(distribution, default=0) or 1
    return [f"b{heatmap.level(count / most)}" if count else "0" for count in distribution]


@register.filter
def cells(classes):
    """Cells of a heat map; the classes come from our own code, never from data."""
    return mark_safe("".join(f'<i class="c{name}"></i>' for name in classes))


@register.filter
def gauge(used):
    """The class of a bar that fills up, by the share that is used."""
    return "full" if used >= NEARLY_USED_UP else "near" if used >= FILLING_UP else "f1"


@register.filter
def width(share):
    """A share as a width in per cent, for SVG."""
    return f"{min(1, max(0, share)) * 100:.2f}"


@register.filter
def by_bucket(chart, period):
    """(start and end of a bucket in the period, value of each layer and of the earlier period) of a timeline."""
    edges = (clipped(period, *edge) for edge in pairwise([*chart.buckets, chart.end]))
    lines = [*chart.layers, *([chart.earlier] if chart.earlier else [])]
    values = zip(*(line.values for line in lines), strict=True)
    return zip(edges, values, strict=True)


@register.simple_tag
def headings(names, query=None):
    """The head of each column; of the default ones where no names are given. With a query some of them order it."""
    return format_html_join("", "{}", ((_heading(name, query),) for name in names or DEFAULT))


def _heading(name, query):
    column = COLUMNS[name]
    kind = f"{'num ' if column.numeric else ''}is-{name}"
    if not (column.order and query):
        return format_html('<th scope="col" class="{}">{}</th>', kind, column.title)
    is_current = query.get("order") == column.order
    link = links.narrowed(query, "order", None if is_current else column.order)
    sign = mark_safe(' aria-sort="descending"') if is_current else ""
    return format_html('<th scope="col" class="{}"{}><a href="{}">{}</a></th>', kind, sign, link, column.title)


@register.filter
def is_usual(names):
    """Whether these are the default columns: some of them go where there is no room."""
    return not names or tuple(names) == DEFAULT


@register.simple_tag
def row_cells(row, names, query):
    """The cells of one request; the icon of a label leads to the requests that share it."""
    return format_html_join("", "{}", ((_cell(row, name, query),) for name in names or DEFAULT))


@register.filter
def tiers(event):
    """The service tier as requested, as answered, and as billed."""
    requested = event.request_service_tier or event.service_tier
    parts = requested, event.response_service_tier, event.tier or "standard"
    return " → ".join(part or formats.DASH for part in parts)


@register.simple_tag
def fact(name, value, param="", filtered="", copied=""):
    """A line of a list of facts, linked where there is a filter for it; empty where the value is not known.

    `copied`: the id of the element that a button copies.
    """
    if not value:
        return ""
    button = format_html(COPY, copied, gettext("Copy %s") % name, gettext("Copy")) if copied else ""
    if not (param and filtered):
        return format_html("<dt>{}</dt><dd>{}</dd>", name, value)
    link = reverse("requests", query={"range": "all", param: filtered})
    return format_html('<dt>{}</dt><dd><a href="{}" id="{}">{}</a>{}</dd>', name, link, copied or param, value, button)


def _cell(row, name, query):
    """A cell with the class `is-` and its name, by which it finds its place on a phone."""
    column = COLUMNS[name]
    shown = column.cell(row)
    if column.numeric:
        return format_html('<td class="num is-{}">{}</td>', name, shown)
    value = column.param and column.value(row)
    if not value:
        return format_html('<td class="is-{}">{}</td>', name, shown or formats.DASH)
    link = f"{reverse('requests')}{links.narrowed(query, column.param, value)}"
    return format_html(ONLY, name, shown, link, gettext("Only %s") % shown)
