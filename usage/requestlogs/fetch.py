"""CPA's own log of one request: as JSON for a page, and raw for a download."""

from typing import Annotated

from django.http import HttpResponse
from msgspec import Meta, Struct, structs

from catalog.api import request_log
from catalog.cpa import LOG_BYTES, RequestLog
from catalog.models import Connection
from usage.query.filters import request_id_of
from usage.requestlogs.secrets import without_secrets

ONLY_FAILED = "CPA's request-log is off, so it keeps logs of the last failed requests only: switch it on."
NOTHING = "CPA keeps no log of this request."


class FoundLog(Struct, frozen=True, kw_only=True):
    """CPA's log of a request; keys in it are masked."""

    found: bool = True
    request_id: str
    filename: str
    text: str
    truncated: Annotated[bool, Meta(description=f"Whether it is longer than the {LOG_BYTES >> 20} MB shown.")]


class MissingLog(Struct, frozen=True, kw_only=True):
    """CPA has no log of this request."""

    found: bool = False
    error: Annotated[str, Meta(description="Why, and what to do about it.")]
    request_log_enabled: Annotated[bool | None, Meta(description="CPA's switch, as last seen; null: not known.")]


def log_of(text: str) -> tuple[str, RequestLog]:
    """(request id, CPA's log of it) for a request id or a trace id; raises BadGateway when CPA is away."""
    request_id = request_id_of(text)
    log = request_log(request_id)
    return request_id, structs.replace(log, body=without_secrets(log.body)) if log.found else log


def found(request_id: str, log: RequestLog) -> FoundLog:
    """The log as text."""
    return FoundLog(request_id=request_id, filename=log.filename, text=log.text, truncated=log.truncated)


def missing() -> MissingLog:
    """The reply when CPA has no log."""
    enabled = Connection.objects.filter(pk=1).values_list("request_log_enabled", flat=True).first()
    return MissingLog(error=ONLY_FAILED if enabled is False else NOTHING, request_log_enabled=enabled)


def attachment(log: RequestLog) -> HttpResponse:
    """The log as a download; text of clients and upstreams must not run in a browser."""
    headers = {
        "Content-Disposition": f'attachment; filename="{log.filename}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(log.body, content_type="text/plain; charset=utf-8", headers=headers)
