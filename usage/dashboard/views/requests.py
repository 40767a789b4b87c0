"""Requests: the table, one of them in full, CPA's log of it, and the table as a file."""

from django.db.models import Q
from django.http import Http404, HttpResponseRedirect, StreamingHttpResponse
from django.utils.timezone import localtime
from django.views.decorators.http import require_POST
from rest_framework.exceptions import APIException

from usage.analytics import questions as analytics
from usage.analytics.explained import explained
from usage.analytics.paging import NoSuchEvent
from usage.api.exports import FORMATS, csv_lines, json_lines
from usage.dashboard.browser import go_on, remember
from usage.dashboard.pages import checked_form, page, signed_in
from usage.dashboard.panels.columns import COLUMNS, COOKIE, chosen_of
from usage.query.filters import PageForm, UsageFilter
from usage.requestlogs import fetch as requestlog
from usage.requestlogs.sections import sections
from usage.time.periods import Period, parse_moment

KIN_US = 3_600_000_000  # attempts of one request are looked for within an hour


@page("usage/requests.html")
def requests(request, asked):
    """Attempts, newest first."""
    wanted = checked_form(PageForm({"page_size": "50", **request.GET.dict()}))
    found = analytics.events(asked, wanted["page"], wanted["page_size"])
    return {"live": 5 if found.page == 1 else 0, "found": found, "columns": chosen_of(request), "all_columns": COLUMNS}


@page("usage/request.html")
def request_detail(request, asked, event_key):
    """One attempt in full, its kin, and why it cost what it did."""
    event = _event(event_key)
    return {"event": event, "attempts": _kin(event), "lines": explained(event)}


@page("usage/request_log.html")
def request_log(request, asked, event_key):
    """CPA's log of the request; asking CPA takes a moment, so it is asked for by itself."""
    event = _event(event_key)
    try:
        log = requestlog.log_of(event.request_id)[1] if event.request_id else None
    except APIException as problem:
        return {"event": event, "problem": str(problem.detail)}
    found = log is not None and log.found
    return {
        "event": event,
        "log": log,
        "sections": sections(log.text) if found else [],
        "missing": requestlog.missing(),
    }


@page("")
def export(request, asked, form):
    """Exactly the filtered events, as a file."""
    lines = {"csv": csv_lines, "jsonl": json_lines}[form]
    name = f"requests-{localtime():%Y%m%d-%H%M}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines(asked), content_type=FORMATS[form], headers=headers)


@require_POST
@signed_in
def columns(request):
    """Which columns this browser likes."""
    chosen = [name for name in COLUMNS if name in request.POST.getlist("column")]
    return remember(HttpResponseRedirect(go_on(request)), request, COOKIE, ".".join(chosen))


def _event(event_key):
    try:
        return analytics.event(event_key)
    except NoSuchEvent:
        raise Http404 from None


def _kin(event):
    """The attempts of the same request, oldest first."""
    if not event.request_id:
        return [event]
    at = parse_moment(event.timestamp, "UTC")
    asked = UsageFilter(Period(at - KIN_US, at + KIN_US), events=Q(request_id=event.request_id))
    return analytics.events(asked, 1, 100).items[::-1]
