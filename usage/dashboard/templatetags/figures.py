"""Figures and moments in templates: readable, with the exact value in the title and in the markup."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from usage.dashboard import wording
from usage.dashboard.panels.heat import TROUBLED, level, typical_most
from usage.time.periods import BadMoment, parse_moment

TOKEN_CLASSES = {
    "uncached": _("Uncached input"),
    "cache_read": _("Read from cache"),
    "cache_write": _("Written to cache"),
    "output": _("Output"),
    "reasoning": _("Reasoning"),
    "unclassified": _("Unclassified"),
}
SPARK_WIDTH, SPARK_HEIGHT = 200, 30
register = template.Library()
register.filter(wording.exact)
register.filter(wording.compact)
register.filter(wording.short)
register.filter(wording.usd)
register.filter(wording.percent)
register.filter(wording.duration)
register.filter(wording.size)


@register.filter
def count(number):
    """A whole number with its exact value."""
    return _data(number, wording.compact(number), wording.exact(number))


@register.filter
def brief(number):
    """The same, abbreviated earlier."""
    return _data(number, wording.short(number), wording.exact(number))


@register.filter
def money(dollars):
    """Dollars with every digit in the title."""
    return _data(dollars, wording.usd(dollars), wording.usd_exact(dollars))


@register.filter
def span(ms):
    """Milliseconds with their exact number; 0 is no measurement."""
    return _data(ms or None, wording.duration(ms or None), f"{wording.exact(ms)} ms")


@register.filter
def share(part, whole):
    """The share of a whole, None of nothing."""
    return part / whole if whole and part is not None else None


@register.filter
def moment(text, form="M j, H:i:s"):
    """An instant of the API as local time; the exact instant in the title."""
    if (get_language() or "").startswith("zh"):
        form = form.replace("M j,", "n月j日").replace("M j", "n月j日").replace("D j", "n月j日")
    if text and len(text) == len("2026-11-24"):
        return date_format(date.fromisoformat(text), form)
    local = wording.instant(text, ZoneInfo(settings.TIME_ZONE))
    if local is None:
        return wording.DASH
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', text, date_format(local, form))


@register.filter
def built(text):
    """When a version was built: a moment where it is one, or what it says."""
    try:
        return moment(text, "Y-m-d H:i")
    except ValueError:
        return text


@register.filter
def ago(text):
    """A moment whose age the browser keeps telling; without a script, the moment itself."""
    local = wording.instant(str(text), ZoneInfo(settings.TIME_ZONE)) if text else None
    if local is None:
        return wording.DASH
    title = date_format(local, "Y-m-d H:i:s")
    return format_html('<time datetime="{}" title="{}" data-ago>{}</time>', local.isoformat(), title, title)


@register.filter
def ago_of(moment):
    """The same of a datetime."""
    return ago(moment.isoformat()) if moment else wording.DASH


@register.filter
def rate(dollars):
    """A rate in US dollars per million tokens; a dash for one that is derived."""
    if dollars is None:
        return wording.DASH
    return f"{dollars:,.2f}" if round(dollars, 2) == dollars else f"{dollars:g}"


@register.filter
def pick(mapping, key):
    """mapping[key]."""
    return mapping.get(key) or ()


@register.simple_tag
def narrowed(query, name, value):
    """The query with one more filter, from its first page on."""
    narrower = query.copy()
    narrower.setlist(name, [value])
    narrower.pop("page", None)
    narrower.pop("before", None)
    return f"?{narrower.urlencode()}"


@register.simple_tag
def narrowed_twice(query, name, value, other, value_of_other):
    """The query with two more filters."""
    narrower = query.copy()
    narrower.setlist(name, [value])
    return narrowed(narrower, other, value_of_other)


@register.simple_tag
def day_query(query, day):
    """The query for one local day."""
    day = date.fromisoformat(day)
    narrower = query.copy()
    for name in ("range", "day", "year", "page"):
        narrower.pop(name, None)
    narrower["start"], narrower["end"] = day.isoformat(), (day + timedelta(days=1)).isoformat()
    return f"?{narrower.urlencode()}"


@register.filter
def day_name(day):
    """A local date in full."""
    form = "Y年n月j日 l" if (get_language() or "").startswith("zh") else "l, j F Y"
    return date_format(date.fromisoformat(day), form)


@register.filter
def per_million(dollars, tokens):
    """US dollars per million tokens, None of nothing."""
    return dollars / tokens * 1_000_000 if tokens and dollars is not None else None


@register.filter
def class_name(name):
    """A token class in words."""
    return TOKEN_CLASSES[name]


@register.filter
def at(items, place):
    """The item at a place."""
    return items[place]


@register.simple_tag
def account_query(query, about, result=None):
    """The query for one account's requests, or for those with a result."""
    narrower = query.copy()
    if result:
        narrower["result"] = result
    for name in ("source", "auth_index"):
        narrower.setlist(name, [value] if (value := getattr(about, name)) else [])
    return f"?{narrower.urlencode()}"


@register.filter
def cost_of(figures):
    """Cost, or None where nothing that was used has a price."""
    return None if figures.unpriced_tokens and figures.unpriced_tokens >= figures.total_tokens else figures.cost


@register.filter
def failing(figures):
    """Whether so many failed that somebody should look."""
    return bool(figures.total) and figures.failed / figures.total >= TROUBLED


@register.filter
def counts(cells):
    """Counts of a row of cells, as the tooltips read them."""
    return " ".join(f"{cell.total}/{cell.failed}" if cell.failed else str(cell.total) for cell in cells)


@register.filter
def strip_classes(cells):
    """Classes of a row of cells by itself."""
    busiest = typical_most(cell.total for cell in cells)
    return [level(cell.total, cell.failed, busiest) for cell in cells]


@register.filter
def measured(speeds):
    """What was measured of a model's answers, in the order of their columns."""
    return speeds.ttft, speeds.latency


@register.filter
def spread(distribution):
    """Shades of a distribution's buckets; blue, for slow is no failure."""
    most = max(distribution, default=0) or 1
    return [f"b{1 + min(3, int(4 * (count / most) ** 0.5))}" if count else "0" for count in distribution]


@register.filter
def sparkline(shares):
    """Points of a line of shares, full height for a whole."""
    across = SPARK_WIDTH / max(1, len(shares) - 1)
    return " ".join(f"{n * across:.0f},{(1 - min(1, share)) * SPARK_HEIGHT + 1:.1f}" for n, share in enumerate(shares))


@register.filter
def gauge(used):
    """The class of a bar that fills up: what is nearly used up is to be looked at."""
    return "full" if used >= 0.95 else "near" if used >= 0.8 else "f1"


@register.filter
def width(share):
    """A share as a width in per cent, for SVG."""
    return f"{min(1, max(0, share)) * 100:.2f}"


@register.filter
def until(text):
    """How long until a moment, which the browser keeps telling; without a script, the moment."""
    local = wording.instant(text, ZoneInfo(settings.TIME_ZONE))
    shown = date_format(local, "M j, H:i")
    return format_html('<time datetime="{}" title="{}" data-left>{}</time>', local.isoformat(), shown, shown)


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
    """The number of its last row."""
    return (page.page - 1) * page.page_size + len(page.items)


@register.filter
def split(text):
    """The words of a text."""
    return text.split()


@register.filter
def first_of(option):
    """The value of an option of a filter, whatever its field is called."""
    return getattr(option, option.__struct_fields__[0])


@register.filter
def local_input(text):
    """A moment of a query as an input of type datetime-local takes it; nothing for what is no moment."""
    try:
        moment = parse_moment(text, settings.TIME_ZONE) if text else None
    except BadMoment:
        moment = None
    if moment is None:
        return ""
    local = datetime.fromtimestamp(moment // 1_000_000, ZoneInfo(settings.TIME_ZONE))
    return local.strftime("%Y-%m-%dT%H:%M:%S" if local.second else "%Y-%m-%dT%H:%M")


@register.filter
def cells(classes):
    """Cells of a heat map; the letters are those of usage.dashboard.panels.heat.level."""
    return mark_safe("".join(f'<i class="c{name}"></i>' for name in classes))


def _data(value, text, title):
    return text if value is None else format_html('<data value="{}" title="{}">{}</data>', value, title, text)
