"""Usage over HTTP: every view asks analytics one question."""

from rest_framework.decorators import api_view, renderer_classes
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from catalog.models import Connection
from cpa_usage.http import rest
from usage.analytics import answers
from usage.analytics import questions as analytics
from usage.analytics.eventrows import EventDetail
from usage.analytics.paging import NoSuchEvent
from usage.api.parameters import EVENT_KEY, FILTER, PAGE, REQUEST_ID, YEAR
from usage.ops.status import Status
from usage.ops.status import status as status_now
from usage.query.filters import PageForm, YearForm, checked, filter_of
from usage.query.freshness import freshness
from usage.requestlogs import fetch as requestlog


@rest.described(Status, summary="How the drain and the metadata sync are doing")
@api_view(["GET"])
def status(request):
    """Counters of the drain, its last errors, how much waits in the spool, and gaps in what was received."""
    found = status_now()
    return rest.answer(request, ("status", found), lambda: found)


@rest.described(answers.Overview, parameters=FILTER, summary="A period at a glance")
@api_view(["GET"])
def overview(request):
    """Totals of the period, its hours, its days, and the health of its quarter hours."""
    return _answer(request, analytics.overview)


@rest.described(answers.Health, parameters=FILTER + YEAR, summary="A year of days, and one of them in detail")
@api_view(["GET"])
def health(request):
    """Attempts and failures of every day of a year, and of each five minutes of a day; `range` does not count here."""
    asked = checked(YearForm(request.GET)).cleaned_data
    return _answer(request, analytics.health, **asked)


@rest.described(answers.Analysis, parameters=FILTER, summary="Who used which model")
@api_view(["GET"])
def analysis(request):
    """The period by client key (else provider, else endpoint), by model, and by both; most requests first."""
    return _answer(request, analytics.analysis)


@rest.described(answers.EventPage, parameters=FILTER + PAGE, summary="Attempts, newest first")
@api_view(["GET"])
def events(request):
    """Single attempts of the kept detail; of equal times the newest arrival comes first."""
    asked = checked(PageForm(request.GET)).cleaned_data
    try:
        return _answer(request, analytics.events, **asked)
    except NoSuchEvent:
        raise rest.BadRequest("before", "There is no such event: give the event_key of one that is kept.") from None


@rest.described(answers.FilterOptions, parameters=FILTER, summary="What the period can be filtered by")
@api_view(["GET"])
def filters(request):
    """Models, sources, client keys, providers and endpoints that occur in the period."""
    return _answer(request, analytics.filter_options)


@rest.described(answers.Credentials, parameters=FILTER, summary="Accounts, the busiest first")
@api_view(["GET"])
def credentials(request):
    """The period by upstream account, with what CPA says about it."""
    return _answer(request, analytics.credentials)


@rest.described(EventDetail, parameters=[EVENT_KEY], errors=[404], summary="One attempt in full")
@api_view(["GET"])
def event(request, event_key):
    """Everything that is kept of one attempt, by its `event_key`."""
    try:
        found = analytics.event(event_key)
    except NoSuchEvent:
        raise NotFound("There is no such event, or it is no longer kept.") from None
    return rest.answer(request, ("event", found), lambda: found)


@rest.described(answers.Names, summary="Models offered or used")
@api_view(["GET"])
def models_used(request):
    """Names of the models CPA offers to its clients and of those that records named."""
    offered = Connection.objects.values_list("models_offered", flat=True).first()
    found = analytics.models_used(offered or [])
    return rest.answer(request, ("models/used", found), lambda: found)


@rest.described(
    requestlog.FoundLog,
    parameters=[REQUEST_ID],
    replies={404: requestlog.MissingLog},
    errors=[502],
    summary="CPA's log of one request",
)
@api_view(["GET"])
def request_log(request, request_id):
    """What was asked and answered, by client and upstream; 404 says when CPA's request-log is off."""
    request_id, log = requestlog.log_of(request_id)
    if not log.found:
        return Response(requestlog.missing(), status=404)
    return Response(requestlog.found(request_id, log))


@rest.described(
    str,
    parameters=[REQUEST_ID],
    replies={404: requestlog.MissingLog},
    errors=[502],
    summary="CPA's log of one request, as a file",
    media_type="text/plain",
)
@api_view(["GET"])
@renderer_classes([rest.JSONRenderer])
def raw_request_log(request, request_id):
    """The log as CPA has it but for keys, which are masked; to download."""
    _, log = requestlog.log_of(request_id)
    if not log.found:
        return Response(requestlog.missing(), status=404)
    return requestlog.attachment(log)


def _answer(request, question, **more):
    """The reply to a question about what the request's parameters select."""
    asked = filter_of(request)
    state = (question.__name__, *freshness(asked), tuple(more.items()))
    return rest.answer(request, state, lambda: question(asked, **more))
