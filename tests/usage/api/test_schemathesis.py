"""The API does what its schema says: for made-up questions of every kind no 5xx, and no undocumented reply or shape."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.http import HttpRequest
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from cpa_usage.auth.sessions import SessionToken
from cpa_usage.wsgi import application
from tests.usage.made import scratch

CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance),
    *(response_headers_conformance, unsupported_method),
]
ASKS_CPA = ("/sync", "/log", "/log/raw", "/cpa/statistics", "/cpa/request-log")  # which is away: 502, as documented
EXAMPLES = 10 if connection.vendor == "sqlite" else 4


@pytest.fixture
def records_that_stay(captured):
    """The captured records, in the test's transaction, which the end of a request would close with its connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def schema(records_that_stay, request):
    """Read by the test: what is asked would otherwise be made up by every process that collects tests."""
    request.node._nodeid = request.node.nodeid  # schemathesis takes it from where pytest had it before 9.2
    return schemathesis.openapi.from_wsgi("/usage/api/schema/?format=json", application)


documented = schemathesis.pytest.from_fixture("schema")
if connection.vendor != "sqlite":  # what a database changes in answers the reference and the golden replies find
    documented = documented.exclude(method="GET")


@pytest.fixture
def call(records_that_stay, settings):
    """A function that asks with a session, where one is needed; each question meets the records as they were stored."""
    settings.AUTH_ENABLED = True
    settings.LOGIN_PASSWORD = "correct horse"

    def ask(case):
        with scratch():
            token = SessionToken.open(HttpRequest())
            return case.call(headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"})

    return ask


@documented.parametrize()
@settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
def test_the_api_is_what_its_schema_says(case, call):
    reply = call(case)
    assert (reply.status_code < 500) or (reply.status_code == 502 and case.path.endswith(ASKS_CPA))
    case.validate_response(reply, checks=CHECKS[1:])
