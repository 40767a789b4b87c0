"""Cells of the table of requests."""

from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import mark_safe

from usage.dashboard.panels.columns import CHOSEN, COLUMNS
from usage.dashboard.panels.columns import result as result_of
from usage.dashboard.templatetags.figures import narrowed

register = template.Library()


@register.simple_tag
def headings(names):
    """The head of each chosen column; the usual ones where nothing is chosen."""
    shown = [COLUMNS[name] for name in names or CHOSEN]
    cells = ((mark_safe(' class="num"') if column.numeric else "", column.title) for column in shown)
    return format_html_join("", '<th scope="col"{}>{}</th>', cells)


@register.simple_tag
def row_cells(row, names, query):
    """The cells of one request; a label links to the requests that share it."""
    return format_html_join("", "{}", ((_cell(row, COLUMNS[name], query),) for name in names or CHOSEN))


register.filter("result", result_of)


@register.filter
def tiers(event):
    """The service tier as filters for, as answered, and as billed."""
    filters = event.request_service_tier or event.service_tier
    return " → ".join(part or "–" for part in (filters, event.response_service_tier, event.tier or "standard"))


@register.simple_tag
def fact(name, value, param="", filtered=""):
    """A line of a list of facts; nothing where nothing is known."""
    if not value:
        return ""
    if not (param and filtered):
        return format_html("<dt>{}</dt><dd>{}</dd>", name, value)
    link = f"{reverse('requests')}?{urlencode({'range': 'all', param: filtered})}"
    return format_html('<dt>{}</dt><dd><a href="{}">{}</a></dd>', name, link, value)


def _cell(row, column, query):
    shown = column.cell(row)
    if column.numeric:
        return format_html('<td class="num">{}</td>', shown)
    value = column.param and getattr(row, column.value)
    if not value:
        return format_html("<td>{}</td>", shown or "–")
    link = f"{reverse('requests')}{narrowed(query, column.param, value)}"
    return format_html('<td title="{0}"><a href="{1}">{0}</a></td>', conditional_escape(shown), link)
