"""`{% load figures %}`: filters and tags of numbers, moments, heat maps, failures and links."""

from django import template
from django.utils.safestring import mark_safe
from django.utils.translation import gettext

from catalog.reported import reported
from cpa_usage.http.static import files_of, is_for_print
from usage.analytics.events.bodies import spoken
from usage.analytics.health import newest_day as newest_day_of
from usage.dashboard import formats, links, markup, moments
from usage.dashboard.panels import heatmap
from usage.dashboard.panels.charts import CLASS_TITLES
from usage.dashboard.panels.sparklines import area, sparkline
from usage.ops import gaps
from usage.query.forms import UsageFilterForm, checked

NEARLY_USED_UP, FILLING_UP = 0.95, 0.8
register = template.Library()
for function in (
    *(formats.exact, formats.short, formats.usd, formats.percent, formats.duration, formats.size, formats.rate),
    *(markup.count, markup.brief, markup.money, markup.cents, markup.span, markup.middle, markup.about),
    *(markup.measured, markup.signed, markup.dollars, markup.signed_dollars),
    *(moments.moment, moments.from_day, moments.built, moments.ago, moments.until, moments.days),
    *(heatmap.counts, heatmap.strip_classes, sparkline, area, spoken, gaps.when, gaps.reason),
    links.status_filter,
    reported,
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
def by_bucket(chart):
    """(start and end of a bucket, value of each layer and of the earlier period) of a timeline."""
    lines = [*chart.layers, *([chart.earlier] if chart.earlier else [])]
    values = zip(*(line.values for line in lines), strict=True)
    return zip(chart.buckets, [*chart.buckets[1:], chart.end], values, strict=True)
