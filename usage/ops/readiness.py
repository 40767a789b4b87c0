"""/readyz: whether records are consumed, for programs that restart this one or route requests to it."""

from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse
from django.utils.translation import override
from django.views.decorators.http import require_safe
from msgspec import json

from cpa_usage.http.databaseerrors import sentence_of
from usage.ops.notices import Watch


@require_safe
def readyz(request):
    """200 while the database is usable and up to date and the drain consumes; else 503 with the reason."""
    reason = unready_reason()
    found = {"status": "unready", "reason": reason} if reason else {"status": "ready"}
    return HttpResponse(json.encode(found), status=503 if reason else 200, content_type="application/json")


def unready_reason() -> str:
    """The most urgent notice for which records are not consumed, in English; "" when there is none."""
    try:
        with override("en"):
            found = next((notice for notice in Watch().notices if notice.unready), None)
        if found is None:
            return ""
        # The detail of others may quote what CPA, or another server at its address, has said: this is open to all.
        return f"{found.sentence} {found.detail}" if found.id == "database-version" else found.sentence
    except (DatabaseError, InterfaceError) as error:
        return sentence_of(error)
