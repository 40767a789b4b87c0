"""CPA's own log of one request: its beginning as JSON and for a page, and all of it for a download."""

from collections.abc import Iterator
from typing import Annotated

from django.http import StreamingHttpResponse
from django.utils.html import escape
from msgspec import Meta, Struct, structs

from catalog.api import BadGateway, request_log
from catalog.cpa import LOG_BYTES, RequestLog
from catalog.models import Connection
from usage.query.filters import request_id_of
from usage.requestlogs.secrets import without_secrets
from usage.requestlogs.sections import Section, sections

ONLY_FAILED = "CPA's request-log is off, so it keeps logs of the last failed requests only: switch it on."
NOTHING = "CPA keeps no log of this request."
CUT_OFF = "CPA's log of this request ended before its end: it is no longer kept."
# A page has a log up to LOG_BYTES in full; of a longer one, or one that is more than HTML in HTML, it has a PART.
HTML, PART = 3_000_000, 300_000  # characters
COPIED = 100_000  # characters; a log up to here is on its page a second time, as it is, to be copied


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


class LaidOutLog(Struct, frozen=True):
    """A log for a page: its sections, the whole text where it is short, and whether these are only its beginning."""

    filename: str
    size: int  # bytes, of all of it
    sections: list[Section]
    text: str
    is_part: bool


def log_of(text: str) -> tuple[str, RequestLog]:
    """(request id, the beginning of CPA's log of it) for a request id or a trace id; raises BadGateway."""
    request_id = request_id_of(text)
    log = request_log(request_id)
    return request_id, structs.replace(log, body=b"".join(without_secrets([log.body]))) if log.found else log


def found(request_id: str, log: RequestLog) -> FoundLog:
    """The log as text."""
    return FoundLog(request_id=request_id, filename=log.filename, text=log.text, truncated=log.truncated)


def laid_out(log: RequestLog) -> LaidOutLog:
    """The log for a page."""
    text = log.text
    is_part = log.truncated or len(escape(text)) > HTML
    text = text[:PART] if is_part else text
    whole = "" if len(text) > COPIED else text
    return LaidOutLog(log.filename, log.size, sections(text), whole, is_part)


def missing() -> MissingLog:
    """The reply if CPA has no log of the request."""
    enabled = Connection.objects.filter(pk=1).values_list("request_log_enabled", flat=True).first()
    return MissingLog(error=ONLY_FAILED if enabled is False else NOTHING, request_log_enabled=enabled)


def download(text: str) -> StreamingHttpResponse | None:
    """All of the log as a file, None when CPA has none; raises BadGateway.

    Text of clients and upstreams must not run in a browser.
    """
    request_id = request_id_of(text)
    log = request_log(request_id)
    if not log.found:
        return None
    headers = {
        "Content-Disposition": f'attachment; filename="{log.filename}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    pieces = without_secrets(_pieces(request_id, log))
    return StreamingHttpResponse(pieces, content_type="text/plain; charset=utf-8", headers=headers)


def _pieces(request_id: str, log: RequestLog) -> Iterator[bytes]:
    """The bytes of a log from its beginning; CPA is asked for more as they are read."""
    yield log.body
    at = len(log.body)
    while log.truncated:
        log = request_log(request_id, at)
        if not log.body:
            raise BadGateway(CUT_OFF)
        yield log.body
        at += len(log.body)
