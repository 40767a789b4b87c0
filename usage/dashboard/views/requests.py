"""Requests: the table, one of them in full, CPA's log of it, and the table as a file."""

from django.http import Http404, HttpResponseRedirect, QueryDict
from django.views.decorators.http import require_POST
from rest_framework.exceptions import APIException

from usage.analytics.answers import Summary
from usage.analytics.events.paging import NoSuchEvent, event_page
from usage.analytics.events.paging import event as event_of
from usage.analytics.events.rows import EventRow, ExportRow
from usage.analytics.exports.formats import FORMATS
from usage.analytics.exports.replies import export as exported
from usage.dashboard.cookies import next_page, remember
from usage.dashboard.links import changed
from usage.dashboard.pages import page, signed_in
from usage.dashboard.panels.columns import COLUMNS, COOKIE, SHOWN, chosen_of
from usage.query.filters import UsageFilter
from usage.query.forms import PageForm, UsageFilterForm, checked
from usage.query.names import grouping_labels
from usage.requestlogs import fetch as requestlog
from usage.time.periods import Period, parse_moment
from usage.time.units import HOUR_US


@page("usage/requests.html")
def requests(request, filters):
    """Attempts, newest first."""
    wanted = checked(PageForm({"page_size": "50", **request.GET.dict()})).cleaned_data
    found = event_page(filters, wanted["page"], wanted["page_size"])
    before = (found.page - 1) * found.page_size
    return {
        "live": 5 if found.page == 1 else 0,
        "found": found,
        "first": before + 1,
        "last": before + len(found.items),
        "sizes": (50, 100, 500),
        "columns": chosen_of(request),
        "all_columns": COLUMNS,
        **_offered(request.query),
    }


def _offered(query):
    """What an export can hold, as its control offers it, and the filters that go with it."""
    return {
        "formats": FORMATS.items(),
        "fields": ExportRow.__struct_fields__,
        "usual": EventRow.__struct_fields__,
        "labels": grouping_labels().values(),
        "measures": Summary.__struct_fields__,
        "kept": [(name, value) for name in UsageFilterForm().fields for value in query.getlist(name)],
    }


@page("usage/request.html")
def request_detail(request, filters, event_key):
    """One attempt in full, the other attempts of its request, and how its cost was calculated."""
    event = _event(event_key)
    return {"event": event, "attempts": _siblings(event), "lines": event.price.tokens}


@page("usage/request_log.html")
def request_log(request, filters, event_key):
    """CPA's log of the request; a page of its own, loaded later, because CPA may be slow to answer."""
    event = _event(event_key)
    try:
        log = requestlog.log_of(event.request_id)[1] if event.request_id else None
    except APIException as problem:
        return {"event": event, "problem": str(problem.detail)}
    if log is None or not log.found:
        return {"event": event, "missing": requestlog.missing()}
    return {"event": event, "log": requestlog.laid_out(log)}


@page("")
def export(request, filters, form):
    """Exactly the filtered events, or their totals, as a file."""
    parameters = request.GET.copy()
    parameters["format"] = form
    return exported(filters, parameters)


@require_POST
@signed_in
def columns(request):
    """Remember the columns this browser has chosen, and name them in the address."""
    chosen = ".".join(name for name in COLUMNS if name in request.POST.getlist("column"))
    address = next_page(request)
    path, _, text = address.partition("?")
    if chosen or SHOWN in QueryDict(text):
        address = f"{path}{changed(QueryDict(text), {SHOWN: chosen or None})}"
    return remember(HttpResponseRedirect(address), request, COOKIE, chosen)


def _event(event_key):
    try:
        return event_of(event_key)
    except NoSuchEvent:
        raise Http404 from None


def _siblings(event):
    """The attempts of the same request within an hour, oldest first."""
    if not event.request_id:
        return [event]
    at = parse_moment(event.timestamp, "UTC")
    filters = UsageFilter(Period(at - HOUR_US, at + HOUR_US), request_id=event.request_id)
    return event_page(filters, 1, 100).items[::-1]
