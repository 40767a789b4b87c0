"""Figures and moments in templates: readable, with the exact value in the title and in the markup."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from usage import wording
from usage.periods import BadMoment, parse_moment

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
    return part / whole if whole else None


@register.filter
def moment(text, form="M j, H:i:s"):
    """An instant of the API as local time; the exact instant in the title."""
    local = wording.instant(text, ZoneInfo(settings.TIME_ZONE))
    if local is None:
        return wording.DASH
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', text, date_format(local, form))


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
    return wording.DASH if dollars is None else f"{dollars:g}"


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


@register.filter
def by_bucket(chart):
    """(bucket, value of each layer) of a timeline."""
    return zip(chart.buckets, zip(*(layer.values for layer in chart.layers), strict=True), strict=True)


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
    """Cells of a heat map; the letters are those of usage.heat.level."""
    return mark_safe("".join(f'<i class="c{name}"></i>' for name in classes))


def _data(value, text, title):
    return text if value is None else format_html('<data value="{}" title="{}">{}</data>', value, title, text)
