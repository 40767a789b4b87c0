"""Usage over HTTP besides the questions: the status, names of models, one attempt, and CPA's log of a request."""

from typing import Annotated

from msgspec import Meta, Struct
from rest_framework.decorators import renderer_classes
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from catalog.models import Connection
from cpa_usage.http import lists, rest
from cpa_usage.http.lists import totals_of
from pricing.models import Model
from usage.analytics.answers import Names
from usage.analytics.events.paging import NoSuchEvent
from usage.analytics.events.paging import event as event_of
from usage.analytics.events.rows import EventDetail
from usage.analytics.exports.formats import FORMATS
from usage.analytics.exports.forms import ExportForm
from usage.analytics.exports.replies import export as exported
from usage.api.parameters import EVENT_KEY, FILTER, REQUEST_ID, parameters_of
from usage.ops.notices import Notice, Watch
from usage.ops.status import Status
from usage.ops.status import status as status_now
from usage.query.forms import filter_of
from usage.requestlogs import fetch as requestlog


@rest.endpoint(Status, summary="How the drain and the metadata sync are doing")
def status(request):
    """Counters of the drain, its last errors, how much waits in the spool, and gaps in what was received."""
    found = status_now()
    return rest.answer(request, ("status", found), lambda: found)


class Notices(Struct, frozen=True):
    """What is wrong, the most urgent first."""

    items: list[Notice]
    ready: Annotated[bool, Meta(description="Whether records are consumed: /readyz says 200.")]


@rest.endpoint(Notices, summary="What is wrong, and what to do about it")
def notices(request):
    """All that pages show as notices, in the language of `Accept-Language`."""
    found = Watch()
    return rest.answer(request, ("notices", found.notices), lambda: Notices(found.notices, found.ready))


@rest.endpoint(EventDetail, parameters=[EVENT_KEY], errors=[404], summary="One attempt in full")
def event(request, event_key):
    """Everything that is kept of one attempt, by its `event_key`."""
    try:
        found = event_of(event_key)
    except NoSuchEvent:
        raise NotFound("There is no such event, or it is no longer kept.") from None
    return rest.answer(request, ("event", found), lambda: found)


@rest.endpoint(Names, parameters=[lists.ListFields], summary="Models offered or used")
def models_used(request):
    """Names of the models CPA offers to its clients and of those that records named."""
    query = lists.query_of(request)
    offered = {*query.among(Connection.objects.values_list("models_offered", flat=True).first() or [], str)}
    models = Model.objects.filter(name__icontains=query.q).order_by("name")
    seen = list(models.values_list("name", flat=True)[: query.end + 1])
    found = sorted({*offered, *seen})
    count = len(found)
    if len(seen) > query.end:
        count = models.count() + len(offered) - models.filter(name__in=offered).count()
    items = query.of(found)
    found = Names(items=items, totals=totals_of(items=(count, items)))
    return rest.answer(request, ("models/used", found), lambda: found)


@rest.endpoint(
    requestlog.FoundLog,
    parameters=[REQUEST_ID],
    replies={404: requestlog.MissingLog},
    errors=[502],
    summary="CPA's log of one request",
)
def request_log(request, request_id):
    """What was asked and answered, by client and upstream; 404 says when CPA's request-log is off."""
    request_id, log = requestlog.log_of(request_id)
    if not log.found:
        return Response(requestlog.missing(), status=404)
    return Response(requestlog.found(request_id, log))


@rest.endpoint(
    str,
    parameters=[REQUEST_ID],
    replies={404: requestlog.MissingLog},
    errors=[502],
    summary="CPA's log of one request, as a file",
)
@renderer_classes([rest.JSONRenderer])
def raw_request_log(request, request_id):
    """The log as CPA keeps it, with keys masked, as a download."""
    return requestlog.download(request_id) or Response(requestlog.missing(), status=404)


@rest.endpoint(
    [each.content_type.partition(";")[0] for each in FORMATS.values()],
    parameters=[*FILTER, *parameters_of(ExportForm)],
    summary="Attempts, or their totals, as a file",
)
@renderer_classes([rest.JSONRenderer])
def export(request):
    """Exactly the filtered attempts, newest first, or with `by` a row of measures for each group; streamed."""
    return exported(filter_of(request), request.GET)
