"""`{% load columns %}`: the table of requests, and the facts of one request."""

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext

from usage.dashboard.formats import DASH
from usage.dashboard.links import narrowed
from usage.dashboard.markup import cost
from usage.dashboard.panels.columns import COLUMNS, DEFAULT, result

# What a label is, and its icon: requests of that label alone.
ONLY = (
    '<td class="is-{0} labelled" title="{1}">{1}'
    '<a class="only" href="{2}" title="{3}" aria-label="{3}"><span aria-hidden="true">▽</span></a></td>'
)
COPY = ' <button class="link" type="button" data-copy="{}" aria-label="{}" hidden>{}</button>'
register = template.Library()
register.filter(result)
register.filter(cost)


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
    link = narrowed(query, "order", None if is_current else column.order)
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
    return " → ".join(part or DASH for part in (requested, event.response_service_tier, event.tier or "standard"))


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
        return format_html('<td class="is-{}">{}</td>', name, shown or DASH)
    link = f"{reverse('requests')}{narrowed(query, column.param, value)}"
    return format_html(ONLY, name, shown, link, gettext("Only %s") % shown)
