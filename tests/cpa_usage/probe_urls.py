"""An API of views that go wrong in every way a view can, and one that answers as reads do."""

from datetime import UTC, date, datetime

from django import forms
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, StreamingHttpResponse
from django.urls import path
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from msgspec import Struct
from rest_framework import exceptions, serializers
from rest_framework.decorators import api_view
from rest_framework.response import Response

from cpa_usage.http import rest
from cpa_usage.http.errors import error_response


class Row(Struct, frozen=True):
    name: str
    at: datetime


class Rows(Struct, frozen=True):
    items: list[Row]


class RowBody(serializers.Serializer):
    name = serializers.CharField(max_length=5)
    count = serializers.IntegerField(default=0)


class Body(serializers.Serializer):
    items = RowBody(many=True)


class Form(forms.Form):
    start = forms.DateField()


def _form_error():
    form = Form({"start": "nonsense"})
    form.is_valid()
    return ValidationError(form.errors.as_data())


FAILURES = {
    "missing": Http404,
    "forbidden": PermissionDenied,
    "suspicious": lambda: SuspiciousOperation("a path outside"),
    "field": lambda: exceptions.ValidationError({"range": "Set one of today, 24h."}),
    "no_field": lambda: exceptions.ValidationError("That will not do."),
    "form": _form_error,
    "model": lambda: ValidationError(["The first.", "The second."]),
    "non_field": lambda: exceptions.ValidationError({"non_field_errors": ["Both together."]}),
    "throttled": lambda: exceptions.Throttled(wait=2.1),
    "database": lambda: OperationalError("could not connect to host db.internal"),
    "closed": lambda: InterfaceError("connection already closed"),
    "unexpected": lambda: RuntimeError("a secret sk-1234567890"),
}


@api_view(["GET"])
def failing(request, how):
    raise FAILURES[how]()


@rest.described(Rows)
@api_view(["GET"])
def rows(request):
    """Rows."""
    asked.append(request.path)
    return rest.answer(request, ("rows", state["counter"]), lambda: ROWS)


@api_view(["GET"])
def many(request):
    return rest.answer(request, ("many",), lambda: MANY_ROWS)


@api_view(["GET"])
def mixed(request):
    data = {"lazy": gettext_lazy("Yes"), "safe": mark_safe("<b>"), "day": date(2026, 11, 24), "nan": float("nan")}
    return Response(data)


@rest.described(None, body=Body)
@api_view(["PUT"])
def write(request):
    """Writes."""
    return Response(rest.body_of(request, Body))


def large(request):
    return StreamingHttpResponse([b"a" * 1000] * 3) if "stream" in request.GET else error_response(200, "ä" * 500)


asked = []
state = {"counter": 1}
ROWS = Rows(items=[Row(name="größe", at=datetime(2026, 11, 24, 4, 0, tzinfo=UTC))])
MANY_ROWS = Rows(items=[Row(name=f"row {number}", at=ROWS.items[0].at) for number in range(8000)])

handler400 = "cpa_usage.http.errors.bad_request"
handler403 = "cpa_usage.http.errors.forbidden"
handler404 = "cpa_usage.http.errors.not_found"
handler500 = "cpa_usage.http.errors.server_error"
urlpatterns = [
    path("api/v1/failing/<how>", failing),
    path("api/v1/rows", rows),
    path("api/v1/many", many),
    path("api/v1/mixed", mixed),
    path("api/v1/write", write),
    path("large", large),
    path("", large, name="overview"),  # the pages of errors lead there
]
