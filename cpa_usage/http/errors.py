"""Every error of the API in one shape: {"error": "<sentence>", "field": "<parameter>"}; `field` may be missing."""

import logging
import sys

from django.core.exceptions import DisallowedHost
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from django.views import defaults
from msgspec import UNSET, Struct, UnsetType, json
from rest_framework import exceptions, status, views

from cpa_usage.database.versions import require_this_version
from cpa_usage.http.databaseerrors import RETRY_SECONDS, is_unavailable, sentence_of
from cpa_usage.http.proxies import why_not_host
from cpa_usage.http.wire import BrowsableRenderer, JSONRenderer

logger = logging.getLogger(__name__)

_NO_FIELD = ("non_field_errors", "__all__")


class Error(Struct, frozen=True):
    """What went wrong, and in which parameter or field of the body."""

    error: str
    field: str | UnsetType = UNSET


class Unavailable(exceptions.APIException):
    """The database cannot be used; the detail says why."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    wait = RETRY_SECONDS


class DatabaseErrorPages(MiddlewareMixin):
    """Middleware over the views: a page that says what is wrong with the database, and one line in the log."""

    def process_view(self, request, view, arguments, options):
        """Nothing is written into a database of another version. Raises django.db.Error."""
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            require_this_version()

    def process_exception(self, request, exception):
        """The page for a view that failed because of the database; None for every other exception."""
        if not is_unavailable(exception):
            return None
        logger.error("The database does not answer: %s", str(exception).strip() or type(exception).__name__)
        return database_unavailable(request, exception)


def exception_handler(exc, context):
    """DRF's hook: the reply for an exception of a view, or None for an unexpected one, a logged 500."""
    if isinstance(exc, DjangoValidationError):
        exc = exceptions.ValidationError(exc.message_dict if hasattr(exc, "error_dict") else exc.messages)
    elif is_unavailable(exc):
        logger.error("The database does not answer: %s", exc)
        exc = Unavailable(sentence_of(exc))
    response = views.exception_handler(exc, context)
    if response is None:
        return None
    known = isinstance(exc, exceptions.APIException)  # else it is one of Django's two that DRF takes for its own
    response.data = error_of(exc) if known else Error(str(response.data["detail"]))
    request = context["request"]
    if not isinstance(getattr(request, "accepted_renderer", None), BrowsableRenderer):  # the schema's pages have others
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    return response


def error_of(exc: exceptions.APIException) -> Error:
    """The sentence and the field of a DRF exception; of several mistakes, the first."""
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return Error("authentication required")
    if isinstance(exc, exceptions.UnsupportedMediaType):
        return Error("Send a JSON object as application/json.")
    path, sentence = _first(exc.detail)
    return Error(sentence, ".".join(path) or UNSET)


def bad_request(request, exception):
    """Django's 400: JSON below api/."""
    if isinstance(exception, DisallowedHost):
        return refusal(request, 400, why_not_host())
    return _page(request, 400, "This request cannot be understood.") or defaults.bad_request(request, exception)


def forbidden(request, exception):
    """Django's 403: JSON below api/."""
    return _page(request, 403, "This is not allowed.") or defaults.permission_denied(request, exception)


def not_found(request, exception):
    """Django's 404: JSON below api/."""
    page = _page(request, 404, "There is nothing at this address.")
    return page or defaults.page_not_found.__wrapped__(request, exception)  # which would read a form, however broken


def server_error(request):
    """Django's 500 (which it has logged): JSON below api/. A database error in a middleware is a 503."""
    if is_unavailable(error := sys.exc_info()[1]):
        return database_unavailable(request, error)
    return _page(request, 500, "Something went wrong here; the log has the details.") or defaults.server_error(request)


def database_unavailable(request, error: BaseException) -> HttpResponse:
    """503 with the sentence: JSON below api/, a page that needs no database elsewhere."""
    sentence = sentence_of(error)
    page = _page(request, 503, sentence) or render(request, "away.html", {"sentence": sentence}, status=503)
    page["Retry-After"] = str(RETRY_SECONDS)
    return page


def refusal(request, status_code: int, sentence: str) -> HttpResponse:
    """Not allowed, and why: JSON below api/, a page elsewhere."""
    page = _page(request, status_code, sentence)
    return page or render(request, "403.html", {"sentence": sentence}, status=status_code)


def error_response(status_code: int, sentence: str) -> HttpResponse:
    """An error outside of DRF's views."""
    return HttpResponse(json.encode(Error(sentence)), status=status_code, content_type="application/json")


def _first(detail, path=()):
    """(path, sentence) of the first sentence in DRF's nested details; a path is of names and indexes."""
    if isinstance(detail, dict):
        name, inner = next(((k, v) for k, v in detail.items() if v), ("", ""))
        return _first(inner, path if name in _NO_FIELD else (*path, str(name)))
    if isinstance(detail, list):
        index, inner = next(((i, v) for i, v in enumerate(detail) if v), (0, ""))
        return _first(inner, (*path, str(index)) if isinstance(inner, dict) else path)
    return path, str(detail)


def _page(request, status_code, sentence):
    return error_response(status_code, sentence) if f"{request.path_info}/".startswith("/api/") else None
