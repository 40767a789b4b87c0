"""Each request has an id, for all lines of the log about it, and its duration is counted."""

import logging
import re
import time
from uuid import uuid4

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics

from cpa_usage.logs import request_id

log = logging.getLogger(__name__)

ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

disable_created_metrics()
REGISTRY = CollectorRegistry()  # of this process; without the library's own figures about Python
DURATIONS = Histogram(
    "cpa_usage_http_request_duration_seconds",
    "From a complete request to the beginning of its reply, by the pattern of its address.",
    ["method", "route", "status"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)


def observe_requests(get_response):
    """Middleware, the outermost: the id is that of X-Request-Id, where that is sane, and is in the reply."""

    def middleware(request):
        given, began = request.META.get("HTTP_X_REQUEST_ID", ""), time.perf_counter()
        id = given if ID.fullmatch(given) else uuid4().hex
        request_id.set(id)  # holds until the next request of this thread: a long reply is logged after this
        response = get_response(request)
        response["X-Request-Id"] = id
        seconds = time.perf_counter() - began
        # Not the path, which may contain a key; static files, and addresses where there is nothing, have no pattern.
        route = request.resolver_match.route if request.resolver_match else "(none)"
        method = request.method if request.method in METHODS else "(other)"
        DURATIONS.labels(method, route, f"{response.status_code // 100}xx").observe(seconds)
        log.debug("%s %s %d in %.1f ms", method, route, response.status_code, seconds * 1000)
        return response

    return middleware
