"""What CPA says about itself over HTTP, and the few things we ask of it on somebody's behalf."""

from contextlib import contextmanager

from rest_framework import status
from rest_framework.decorators import api_view
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from catalog import answers
from catalog.cpa import Cpa, RequestLog
from catalog.models import Connection
from catalog.problems import Problem
from catalog.serializers import SwitchBody
from catalog.sync import sync_now
from cpa_usage.http import rest

ABOUT_STATISTICS = """CPA's `usage-statistics-enabled`: while it is off, CPA drops its records in silence and nothing
can be counted."""
ABOUT_REQUEST_LOG = """CPA's `request-log`: while it is off, CPA keeps logs of the last failed requests only."""


class BadGateway(APIException):
    """CPA refused or is away; the text says what to do."""

    status_code = status.HTTP_502_BAD_GATEWAY


@rest.described(answers.ListedAuthFiles, summary="Accounts CPA signs in to")
@api_view(["GET"])
def auth_files(request):
    """Every auth file CPA lists or ever listed, by name."""
    return rest.answer(request, ("auth-files", Connection.current_revision()), answers.auth_files)


@rest.described(answers.ProviderKeys, summary="Upstream keys of CPA's provider lists")
@api_view(["GET"])
def provider_metadata(request):
    """Every upstream key CPA lists or ever listed, masked."""
    return rest.answer(request, ("provider-metadata", Connection.current_revision()), answers.provider_keys)


@rest.described(answers.CatalogRefreshed, errors=[502], summary="Read CPA's lists now")
@api_view(["POST"])
def sync(request):
    """Refresh accounts, keys, models and switches within CPA_TIMEOUT; 502 says what could not be read."""
    if error := sync_now():
        raise BadGateway(error)
    return Response(answers.CatalogRefreshed())


@rest.described(
    answers.SwitchSet,
    body=SwitchBody,
    errors=[502],
    summary="Switch CPA's usage records on or off",
    description=ABOUT_STATISTICS,
)
@api_view(["PUT"])
def statistics(request):
    """Whether CPA writes usage records."""
    value = rest.body_of(request, SwitchBody)["value"]
    with asking_cpa() as cpa:
        cpa.set_statistics_enabled(value)
    Connection.change(statistics_enabled=value)
    return Response(answers.SwitchSet(value))


@rest.described(
    answers.SwitchSet,
    body=SwitchBody,
    errors=[502],
    summary="Switch CPA's request logs on or off",
    description=ABOUT_REQUEST_LOG,
)
@api_view(["PUT"])
def request_logging(request):
    """Whether CPA keeps a log of every request."""
    value = rest.body_of(request, SwitchBody)["value"]
    with asking_cpa() as cpa:
        cpa.set_request_log_enabled(value)
    Connection.change(request_log_enabled=value)
    return Response(answers.SwitchSet(value))


def request_log(request_id: str) -> RequestLog:
    """CPA's log of one request, if it has one (`found`); raises BadGateway when CPA is away."""
    with asking_cpa() as cpa:
        return cpa.request_log(request_id)


@contextmanager
def asking_cpa():
    """A conversation with CPA whose problems are replies of ours with status 502."""
    try:
        with Cpa() as cpa:
            yield cpa
    except Problem as problem:
        raise BadGateway(str(problem)) from None
