"""Queries of links: the filters of a page with some parameters changed."""

from datetime import date, timedelta

from django.http import QueryDict
from django.urls import reverse

from usage.models.labels import NONE

PERIOD = ("range", "start", "end")
# Parameters that other pages do not take.
ONE_PAGE_ONLY = ("page", "before", "q", "by", "measure", "year", "day", "week", "sort")


def changed(query: QueryDict, values: dict) -> str:
    """`?` and the query with other values of some parameters (None: without them), from its first page on."""
    copy = query.copy()
    for name, value in {"page": None, "before": None, **values}.items():
        copy.setlist(name, [] if value is None else [value])
    return f"?{copy.urlencode()}"


def narrowed(query, *pairs):
    """The query with more filters, given as name, value, name, value, ..."""
    return changed(query, dict(zip(pairs[::2], pairs[1::2], strict=True)))


def day_query(query, day):
    """The query for one local day."""
    end = date.fromisoformat(day) + timedelta(days=1)
    return changed(query, {"range": None, "day": None, "year": None, "start": day, "end": end.isoformat()})


def account_query(query, about, result=None):
    """The query for the requests of an account, or for those with a result."""
    labels = {name: getattr(about, name) or None for name in ("source", "auth_index")}
    return changed(query, {"result": result, **labels} if result else labels)


def failures_of(query, status, message=None):
    """The query for the failures with a status, or for those with one message ("" for failures without one)."""
    reason = {} if message is None else {"message": message or NONE}
    return changed(query, {**reason, "result": "failed", "status": status})


def page_address(name: str, query: QueryDict, *without: str) -> str:
    """The address of a page with the filters of a query, without some parameters and those of one page only."""
    copy = query.copy()
    for parameter in (*without, *ONE_PAGE_ONLY):
        copy.pop(parameter, None)
    return f"{reverse(name)}?{copy.urlencode()}"
