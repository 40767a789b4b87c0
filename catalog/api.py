"""CPA's accounts and keys over HTTP, and what users can ask of CPA through us: a sync, its switches, a request log."""

from threading import BoundedSemaphore

from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from catalog import shapes
from catalog.cpa import Cpa, RequestLog
from catalog.models import Connection
from catalog.problems import Problem
from catalog.sync import sync_now
from cpa_usage.auth.sessions import is_known
from cpa_usage.http import lists, rest
from cpa_usage.http.fields import FlagField

ABOUT_STATISTICS = """CPA's `usage-statistics-enabled`: while it is off, CPA drops its records in silence and nothing
can be counted."""
ABOUT_REQUEST_LOG = """CPA's `request-log`: while it is off, CPA keeps logs of the last failed requests only."""


class SwitchBody(serializers.Serializer):
    """The wanted state of a switch."""

    value = FlagField()


SWITCH = {"reply": shapes.SwitchSet, "method": "PUT", "body": SwitchBody, "errors": [502]}


class BadGateway(APIException):
    """CPA refused or is away; the text says what to do."""

    status_code = status.HTTP_502_BAD_GATEWAY


@rest.endpoint(shapes.Versions, is_open=True, summary="Versions of cpa-usage and CPA")
def version(request):
    """The versions of cpa-usage and of the CPA it talks to."""
    return Response(shapes.versions() if is_known(request) else shapes.OUR_VERSION)  # no commit for strangers


@rest.endpoint(shapes.ListedAuthFiles, parameters=[lists.ListFields], summary="Accounts CPA signs in to")
def auth_files(request):
    """Every auth file CPA lists or ever listed, by name."""
    query = lists.query_of(request)
    return rest.answer(request, ("auth-files", Connection.current_revision(), query), lambda: shapes.auth_files(query))


@rest.endpoint(shapes.ProviderKeys, parameters=[lists.ListFields], summary="Upstream keys of CPA's provider lists")
def provider_metadata(request):
    """Every upstream key CPA lists or ever listed, masked."""
    query, revision = lists.query_of(request), Connection.current_revision()
    return rest.answer(request, ("provider-metadata", revision, query), lambda: shapes.provider_keys(query))


@rest.endpoint(shapes.CatalogRefreshed, "POST", errors=[502], summary="Read CPA's lists now")
def sync(request):
    """Refresh accounts, keys, models and switches within CPA_TIMEOUT; 502 says what could not be read."""
    if error := sync_now():
        raise BadGateway(error)
    return Response(shapes.CatalogRefreshed())


@rest.endpoint(**SWITCH, summary="Switch CPA's usage records on or off", description=ABOUT_STATISTICS)
def statistics(request):
    """Whether CPA writes usage records."""
    return _switch(request, "statistics_enabled")


@rest.endpoint(**SWITCH, summary="Switch CPA's request logs on or off", description=ABOUT_REQUEST_LOG)
def request_logging(request):
    """Whether CPA keeps a log of every request."""
    return _switch(request, "request_log_enabled")


def _switch(request, name):
    value = rest.body_of(request, SwitchBody)["value"]
    set_switch(name, value)
    return Response(shapes.SwitchSet(value))


def set_switch(name: str, value: bool):
    """Turn one of catalog.cpa.SWITCHES on or off at CPA; raises BadGateway."""
    try:
        with Cpa(by_person=True) as cpa:
            cpa.set_switch(name, value)
    except Problem as problem:
        raise BadGateway(str(problem)) from None


LOGS = BoundedSemaphore(2)  # asked for at once: a CPA that does not answer must not keep every thread waiting


def request_log(request_id: str, start: int = 0) -> RequestLog:
    """CPA's log of one request, if it has one (`found`), from a byte on; raises BadGateway when CPA is away."""
    if not LOGS.acquire(blocking=False):
        raise BadGateway("CPA has not answered for other logs yet: try again in a moment.")
    try:
        with Cpa() as cpa:
            return cpa.request_log(request_id, start)
    except Problem as problem:
        raise BadGateway(str(problem)) from None
    finally:
        LOGS.release()
