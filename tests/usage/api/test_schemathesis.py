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

CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance),
    *(response_headers_conformance, unsupported_method),
]
ASKS_CPA = ("/sync", "/log", "/log/raw", "/cpa/statistics", "/cpa/request-log")  # which is away: 502, as documented
# What the database changes in answers the twins and the golden replies find; here it is mostly forms and shapes.
EXAMPLES = 10 if connection.vendor == "sqlite" else 4
schema = schemathesis.openapi.from_wsgi("/usage/api/schema/?format=json", application)


@pytest.fixture
def bearer(captured, settings):
    """A session, where one is needed and records are stored."""
    settings.AUTH_ENABLED = True
    settings.LOGIN_PASSWORD = "correct horse"
    for signal in (request_started, request_finished):  # the test's transaction is in this connection
        signal.disconnect(close_old_connections)
    yield {"Authorization": f"Bearer {SessionToken.open(HttpRequest())}", "Accept-Encoding": "identity"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
def test_the_api_is_what_its_schema_says(case, bearer):
    reply = case.call(headers=bearer)
    assert (reply.status_code < 500) or (reply.status_code == 502 and case.path.endswith(ASKS_CPA))
    case.validate_response(reply, checks=CHECKS[1:])
