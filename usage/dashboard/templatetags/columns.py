"""`{% load columns %}`: the table of requests, and the facts of one request."""

from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import mark_safe

from usage.dashboard.formats import DASH
from usage.dashboard.links import narrowed
from usage.dashboard.markup import cost
from usage.dashboard.panels.columns import COLUMNS, DEFAULT, result

register = template.Library()
register.filter(result)
register.filter(cost)


@register.simple_tag
def headings(names):
    """The head of each column; of the default ones where no names are given."""
    columns = [COLUMNS[name] for name in names or DEFAULT]
    cells = ((mark_safe(' class="num"') if column.numeric else "", column.title) for column in columns)
    return format_html_join("", '<th scope="col"{}>{}</th>', cells)


@register.simple_tag
def row_cells(row, names, query):
    """The cells of one request; a label links to the requests that share it."""
    return format_html_join("", "{}", ((_cell(row, name, query),) for name in names or DEFAULT))


@register.filter
def tiers(event):
    """The service tier as requested, as answered, and as billed."""
    requested = event.request_service_tier or event.service_tier
    return " → ".join(part or DASH for part in (requested, event.response_service_tier, event.tier or "standard"))


@register.simple_tag
def fact(name, value, param="", filtered=""):
    """A line of a list of facts, linked where there is a filter for it; empty where the value is not known."""
    if not value:
        return ""
    if not (param and filtered):
        return format_html("<dt>{}</dt><dd>{}</dd>", name, value)
    link = f"{reverse('requests')}?{urlencode({'range': 'all', param: filtered})}"
    return format_html('<dt>{}</dt><dd><a href="{}">{}</a></dd>', name, link, value)


def _cell(row, name, query):
    """A cell with the class `is-` and its name, by which it finds its place on a phone."""
    column = COLUMNS[name]
    shown = column.cell(row)
    if column.numeric:
        return format_html('<td class="num is-{}">{}</td>', name, shown)
    value = column.param and getattr(row, column.value)
    if not value:
        return format_html('<td class="is-{}">{}</td>', name, shown or DASH)
    link = f"{reverse('requests')}{narrowed(query, column.param, value)}"
    linked = '<td class="is-{0}" title="{1}"><a href="{2}">{1}</a></td>'
    return format_html(linked, name, conditional_escape(shown), link)
