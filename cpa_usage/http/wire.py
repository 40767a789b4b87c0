"""Parsers and renderers of the API: JSON by msgspec, and DRF's browsable pages."""

import msgspec
from django.conf import settings
from django.utils.functional import Promise
from rest_framework import status
from rest_framework.exceptions import APIException, NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer


class TooLarge(APIException):
    """More bytes than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."


class JSONRenderer(BaseRenderer):
    """Structs, dicts, lists and plain values as compact JSON; aware datetimes as RFC 3339 (UTC with Z)."""

    media_type = "application/json"
    format = "json"
    charset = None  # JSON is UTF-8 by definition

    def render(self, data, accepted_media_type=None, renderer_context=None):
        """The JSON bytes of `data`; no data is an empty body."""
        if data is None:
            return b""
        encoded = _ENCODER.encode(data)
        indent = (renderer_context or {}).get("indent")  # set by the browsable pages
        return msgspec.json.format(encoded, indent=indent) if indent else encoded


class BrowsableRenderer(BrowsableAPIRenderer):
    """The same JSON on DRF's page, for browsers."""

    def show_form_for_method(self, view, method, request, obj):
        """Empty forms: a reply is no model instance to fill them with."""
        return super().show_form_for_method(view, method, request, None)


class Negotiation(DefaultContentNegotiation):
    """The Accept header decides between JSON and a page; a client that accepts neither gets JSON, not an error."""

    def select_renderer(self, request, renderers, format_suffix=None):
        """(renderer, media type)."""
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type


class JSONParser(BaseParser):
    """Strict JSON: no NaN, no numbers beyond a float, no lone surrogates, and limited nesting."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        """The decoded body; 400 when it is not JSON, 413 when it is too large."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge
        try:
            return msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ParseError("The body is not JSON.") from error


def _plain(value):
    """Types that msgspec does not know: lazy and safe strings of Django, error strings of DRF."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Promise):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
