"""`{% load figures %}`: filters and tags of numbers, moments, heat maps and links."""

from django import template
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from usage.dashboard import formats, links, markup, moments
from usage.dashboard.panels import heatmap
from usage.dashboard.panels.sparklines import sparkline

TOKEN_CLASSES = {
    "uncached": _("Uncached input"),
    "cache_read": _("Read from cache"),
    "cache_write": _("Written to cache"),
    "output": _("Output"),
    "reasoning": _("Reasoning"),
    "unclassified": _("Unclassified"),
}
NEARLY_USED_UP, FILLING_UP = 0.95, 0.8
register = template.Library()
for function in (
    *(formats.exact, formats.short, formats.usd, formats.percent, formats.duration, formats.size),
    *(markup.count, markup.brief, markup.money, markup.span),
    *(moments.moment, moments.day_name, moments.built, moments.ago, moments.until, moments.local_input),
    *(heatmap.counts, heatmap.strip_classes, sparkline),
):
    register.filter(function)
register.filter("ago_of", moments.ago)
register.simple_tag(links.narrowed)
register.simple_tag(links.narrowed, name="narrowed_twice")
register.simple_tag(links.day_query)
register.simple_tag(links.account_query)


@register.filter
def share(part, whole):
    """The share of a whole; None where there is no whole."""
    return part / whole if whole and part is not None else None


@register.filter
def rate(dollars):
    """A rate in US dollars per million tokens; a dash for one that is derived."""
    if dollars is None:
        return formats.DASH
    return f"{dollars:,.2f}" if round(dollars, 2) == dollars else f"{dollars:g}"


@register.filter
def per_million(dollars, tokens):
    """US dollars per million tokens; None without tokens."""
    return dollars / tokens * 1_000_000 if tokens and dollars is not None else None


@register.filter
def cost_of(figures):
    """Cost, or None where nothing that was used has a price."""
    return None if figures.unpriced_tokens and figures.unpriced_tokens >= figures.total_tokens else figures.cost


@register.filter
def failing(figures):
    """Whether so many attempts failed that it should stand out."""
    return bool(figures.total) and figures.failed / figures.total >= heatmap.WARN_SHARE


@register.filter
def class_name(name):
    """The title of a token class."""
    return TOKEN_CLASSES[name]


@register.filter
def measured(speeds):
    """The percentiles of a model, in the order of their columns."""
    return speeds.ttft, speeds.latency


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
    """(start and end of a bucket, value of each layer) of a timeline."""
    values = zip(*(layer.values for layer in chart.layers), strict=True)
    return zip(chart.buckets, [*chart.buckets[1:], chart.end], values, strict=True)


@register.filter
def first_row(page):
    """The number of the first row of a page of events."""
    return (page.page - 1) * page.page_size + 1


@register.filter
def last_row(page):
    """The number of the last row of a page of events."""
    return (page.page - 1) * page.page_size + len(page.items)


@register.filter
def pick(mapping, key):
    """The value of a key that is itself a variable; empty where there is none."""
    return mapping.get(key) or ()


@register.filter
def at(items, place):
    """The item at a place that is itself a variable."""
    return items[place]


@register.filter
def split(text):
    """The words of a text."""
    return text.split()
