"""Usage over HTTP: every view asks analytics one question."""

from rest_framework.decorators import api_view, renderer_classes
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from catalog.models import Connection
from cpa_usage.http import rest
from pricing.models import Model
from usage.analytics import answers
from usage.analytics.accounts.credentials import Credentials
from usage.analytics.accounts.credentials import credentials as credentials_of
from usage.analytics.analysis import analysis as analysis_of
from usage.analytics.events.paging import EventPage, NoSuchEvent, event_page
from usage.analytics.events.paging import event as event_of
from usage.analytics.events.rows import EventDetail
from usage.analytics.health import health as health_of
from usage.analytics.options import FilterOptions, filter_options
from usage.analytics.overview import overview as overview_of
from usage.api.answering import answer
from usage.api.parameters import EVENT_KEY, FILTER, PAGE, REQUEST_ID, YEAR
from usage.ops.status import Status
from usage.ops.status import status as status_now
from usage.query.forms import PageForm, YearForm, checked
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
    return answer(request, overview_of)


@rest.described(answers.Health, parameters=FILTER + YEAR, summary="A year of days, and one of them in detail")
@api_view(["GET"])
def health(request):
    """Attempts and failures of every day of a year, and of each five minutes of a day; `range` does not count here."""
    chosen = checked(YearForm(request.GET)).cleaned_data
    return answer(request, health_of, **chosen)


@rest.described(answers.Analysis, parameters=FILTER, summary="Who used which model")
@api_view(["GET"])
def analysis(request):
    """The period by client key (else provider, else endpoint), by model, and by both; most requests first."""
    return answer(request, analysis_of)


@rest.described(EventPage, parameters=FILTER + PAGE, summary="Attempts, newest first")
@api_view(["GET"])
def events(request):
    """Single attempts of the kept detail; of equal times the newest arrival comes first."""
    chosen = checked(PageForm(request.GET)).cleaned_data
    try:
        return answer(request, event_page, **chosen)
    except NoSuchEvent:
        raise rest.BadRequest("before", "There is no such event: give the event_key of one that is kept.") from None


@rest.described(FilterOptions, parameters=FILTER, summary="What the period can be filtered by")
@api_view(["GET"])
def filters(request):
    """Models, sources, client keys, providers and endpoints that occur in the period."""
    return answer(request, filter_options)


@rest.described(Credentials, parameters=FILTER, summary="Accounts, the busiest first")
@api_view(["GET"])
def credentials(request):
    """The period by upstream account, with what CPA says about it."""
    return answer(request, credentials_of)


@rest.described(EventDetail, parameters=[EVENT_KEY], errors=[404], summary="One attempt in full")
@api_view(["GET"])
def event(request, event_key):
    """Everything that is kept of one attempt, by its `event_key`."""
    try:
        found = event_of(event_key)
    except NoSuchEvent:
        raise NotFound("There is no such event, or it is no longer kept.") from None
    return rest.answer(request, ("event", found), lambda: found)


@rest.described(answers.Names, summary="Models offered or used")
@api_view(["GET"])
def models_used(request):
    """Names of the models CPA offers to its clients and of those that records named."""
    offered = Connection.objects.values_list("models_offered", flat=True).first()
    found = answers.Names(items=sorted({*(offered or []), *Model.objects.values_list("name", flat=True)}))
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
    """What was filters and answered, by client and upstream; 404 says when CPA's request-log is off."""
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
