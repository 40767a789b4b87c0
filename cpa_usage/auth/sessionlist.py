"""/auth/sessions: the open sessions, and the end of one."""

from datetime import datetime
from typing import Annotated

from drf_spectacular.utils import OpenApiParameter
from msgspec import Meta, Struct
from rest_framework.decorators import permission_classes
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from cpa_usage.auth.sessions import SessionRequired, SessionToken
from cpa_usage.http.lists import Listing, ListQuery, PageFields, query_of, totals_of
from cpa_usage.http.rest import endpoint
from cpa_usage.models import Session

SESSION_ID = OpenApiParameter("session_id", str, OpenApiParameter.PATH, description="The `id` of a row of the list.")


class SessionRow(Struct, frozen=True):
    """A session that is open."""

    id: str
    opened_at: datetime
    expires_at: datetime
    address: Annotated[str, Meta(description="From where it was opened.")]
    user_agent: str
    current: Annotated[bool, Meta(description="Whether it is the one that asks.")]


class Sessions(Listing, frozen=True, kw_only=True):
    """Newest first."""

    items: list[SessionRow]


class Revoked(Struct, frozen=True):
    """The session has ended."""

    ok: bool


def listed(query: ListQuery, mine: SessionToken | None) -> Sessions:
    """Open sessions, `mine` marked; those of an earlier password have ended with it."""
    rows = Session.current().values_list("jti", "opened_at", "expires_at", "address", "user_agent")
    found, count = query.found(rows)
    items = [SessionRow(*row, current=bool(mine) and row[0] == mine["jti"]) for row in found]
    return Sessions(items=items, totals=totals_of(items=(count, items)))


def end(session_id: str) -> bool:
    """End an open session on the server; whether there was one."""
    return Session.current().filter(jti=session_id).delete()[0] > 0


@endpoint(Sessions, parameters=[PageFields], errors=[403], summary="Open sessions")
@permission_classes([SessionRequired])
def sessions(request):
    """Open sessions; those of an earlier password have ended with it."""
    return Response(listed(query_of(request), request.auth))


@endpoint(Revoked, "DELETE", parameters=[SESSION_ID], errors=[403, 404], summary="End a session")
@permission_classes([SessionRequired])
def session(request, session_id):
    """End a session on the server, this one or another."""
    if not end(session_id):
        raise NotFound("There is no such session.")
    return Response(Revoked(ok=True))
