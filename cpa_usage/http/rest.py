"""Parts of every view of the API: reading the body, the conditional answer, the description."""

from hashlib import blake2b

from django.conf import settings
from django.http import HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import get_language
from rest_framework.decorators import api_view
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from cpa_usage.http.openapi import described
from cpa_usage.http.wire import JSONRenderer

__all__ = ["JSONRenderer", "answer", "body_of", "described", "endpoint"]


def endpoint(reply, method: str = "GET", *, is_open: bool = False, **about):
    """Decorator: an endpoint of one method, described by what else `described` takes. An open one asks for no login."""

    def decorate(view):
        if is_open:
            view.authentication_classes = view.permission_classes = []
        return described(reply, **about)(api_view([method])(view))

    return decorate


def answer(request, state, question):
    """The reply of a read: `question()`, or a 304 without calling it when the client has the answer to this `state`.

    `state` is what the answer depends on (counters, the resolved period, the query) as a tuple of plain values with a
    stable repr. Call it inside the view: the permission check comes first, so a match is never shown without a login.
    """
    tag = _etag(request, state)
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or tag.removeprefix("W/") in {each.removeprefix("W/") for each in known}:
        response = HttpResponseNotModified()
    else:
        response = Response(question())
        response.add_post_render_callback(_break_cycle)
    response["ETag"] = tag
    patch_vary_headers(response, ("Accept", "Accept-Language", "Cookie"))
    return response


def _break_cycle(response):
    """DRF's view and its response hold each other: a few answers of megabytes would wait for the garbage collector."""
    response.renderer_context["view"].response = None
    response.renderer_context = None  # it holds the response as well


def body_of(request, serializer_class):
    """The validated data of the JSON object in the body; 400 names the first invalid field."""
    is_empty = (request.META.get("CONTENT_LENGTH") or "0") == "0"  # DRF reads it as an empty object
    if is_empty or not isinstance(request.data, dict):
        raise ValidationError("The body must be a JSON object.")
    return valid(serializer_class, request.data)


def valid(serializer_class, data):
    """The validated data; 400 names the first invalid field."""
    serializer = serializer_class(data=data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def _etag(request, state):
    # Weak, because compression changes the bytes and not the meaning.
    parts = (state, request.accepted_renderer.media_type, get_language(), settings.VERSION)
    return f'W/"{blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"'
