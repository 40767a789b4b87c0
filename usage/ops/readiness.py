"""/readyz: whether records are consumed, for programs that restart this one or route requests to it."""

from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from msgspec import json

from cpa_usage.database.versions import wrong_version
from cpa_usage.http.databaseerrors import sentence_of
from usage.models import DrainState

# The drain writes its heartbeat and its last pop every 5 s: a stall is noticed within a minute, and one slow write
# or reply is not taken for one.
STALLED_AFTER = timedelta(seconds=45)


@require_safe
def readyz(request):
    """200 while the database is usable and up to date and the drain consumes; else 503 with the reason."""
    reason = unready_reason()
    found = {"status": "unready", "reason": reason} if reason else {"status": "ready"}
    return HttpResponse(json.encode(found), status=503 if reason else 200, content_type="application/json")


def unready_reason() -> str:
    """What is wrong, in a sentence without secrets; "" when nothing is."""
    try:
        return wrong_version() or stalled(DrainState.load(), timezone.now())
    except (DatabaseError, InterfaceError) as error:
        return sentence_of(error)


def stalled(state: DrainState, now: datetime) -> str:
    """Why no records seem to be consumed, in a sentence without secrets; "" while they are."""
    if state.heartbeat_at is None:
        return "The drain has never run: start it (manage.py drain)."
    if now - state.heartbeat_at > STALLED_AFTER:
        return f"The drain has given no sign of life since {_utc(state.heartbeat_at)}."
    if state.last_pop_at is None:
        return "CPA's queue has not answered yet: /status says why."
    if now - state.last_pop_at > STALLED_AFTER:
        return f"CPA's queue has not answered since {_utc(state.last_pop_at)}: /status says why."
    return ""


def _utc(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
