"""Requests: the table, one of them in full, CPA's log of it, and the table as a file."""

from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from rest_framework.exceptions import APIException

from usage.analytics.answers import Summary
from usage.analytics.events.paging import event as event_of
from usage.analytics.events.paging import event_page, neighbours, newest
from usage.analytics.events.rows import FullRow
from usage.analytics.exports.formats import FORMATS
from usage.analytics.exports.replies import export as exported
from usage.analytics.exports.tables import LOCAL_TIME, USUAL, event_columns
from usage.dashboard.cookies import next_page, remember
from usage.dashboard.links import changed
from usage.dashboard.pages import page, signed_in
from usage.dashboard.panels.columns import COLUMNS, COOKIE, SHOWN, chosen_of
from usage.dashboard.panels.empties import nothing
from usage.query.filters import UsageFilter
from usage.query.forms import EventsForm, UsageFilterForm, checked
from usage.query.names import grouping_labels
from usage.requestlogs import fetch as requestlog
from usage.time.periods import Period, parse_moment
from usage.time.units import HOUR_US

TIMES = (LOCAL_TIME, "timestamp")  # of each row of a file


@page("usage/requests.html")
def requests(request, filters):
    """Attempts, newest first or in the order of the address; a search that finds one request opens it."""
    if request.query.pop("open", None) and (key := _only(filters)):
        return redirect(reverse("request", args=(key,), query=request.query))
    wanted = checked(EventsForm({"page_size": "50", **request.GET.dict(), "order": _order(request)})).cleaned_data
    found, too_many = _page(filters, wanted)
    if too_many:
        del request.query["order"]
    before, columns = (found.page - 1) * found.page_size, chosen_of(request)
    fields = (field for name in columns for field in COLUMNS[name].fields)
    return {
        "live": 5 if found.page == 1 and not request.query.get("order") else 0,
        "found": found,
        "too_many": too_many,
        "listed": found.total_pages * found.page_size,
        "first": before + 1,
        "last": before + len(found.items),
        "sizes": (50, 100, 500),
        "columns": columns,
        "ordered": request.query,
        "all_columns": COLUMNS,
        "shown": ",".join((*TIMES, *fields)),
        **_offered(request.query),
        **({} if found.items else nothing(request)),
    }


def _order(request):
    """The order in the address; one that a table of another page left there, named with a dot, is none."""
    if "." in request.query.get("order", ""):
        del request.query["order"]
    return request.query.get("order", "")


def _page(filters, wanted):
    """The page, and why it is in the order of time, where the other one takes too long."""
    number, size, order = (wanted[name] for name in ("page", "page_size", "order"))
    try:
        return event_page(filters, number, size, order=order, shape=FullRow), ""
    except ValidationError as refusal:
        return event_page(filters, number, size, shape=FullRow), refusal.message_dict["order"][0]


def _only(filters):
    """The key of the attempt that ended the only request of an id; none where the id stands for several."""
    found = newest(filters, 100) if filters.request_id else []
    if not found or len(_siblings(found[0])) < len(found):
        return None
    return next((row for row in found if row.final), found[0]).event_key


def _offered(query):
    """What an export can hold, as its control offers it, and the filters that go with it."""
    return {
        "formats": FORMATS.items(),
        "fields": event_columns(),
        "usual": USUAL,
        "labels": grouping_labels().values(),
        "measures": Summary.__struct_fields__,
        "kept": [(name, value) for name in UsageFilterForm().fields for value in query.getlist(name)],
    }


@page("usage/request.html")
def request_detail(request, filters, event_key):
    """One attempt in full, its neighbours in the list, the other attempts of its request, and its cost."""
    event = event_of(event_key)
    order = checked(EventsForm({"order": _order(request)})).cleaned_data["order"]
    places = dict(zip(("previous", "following"), neighbours(filters, event_key, order), strict=True))
    return {"event": event, "attempts": _siblings(event), "lines": event.price.tokens, **places}


@page("usage/request_log.html")
def request_log(request, filters, event_key):
    """CPA's log of the request; a page of its own, loaded later, because CPA may be slow to answer."""
    event = event_of(event_key)
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
    parameters = request.query.copy()
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


def _siblings(event):
    """The attempts of the same request within an hour, oldest first."""
    if not event.request_id:
        return [event]
    at = parse_moment(event.timestamp, "UTC")
    filters = UsageFilter(Period(at - HOUR_US, at + HOUR_US), request_id=event.request_id)
    return event_page(filters, 1, 100, shape=FullRow).items[::-1]
