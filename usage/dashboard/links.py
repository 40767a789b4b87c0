"""Queries of links: the filters of a page with some parameters changed."""

from datetime import date, timedelta

from django.http import QueryDict
from django.urls import reverse

from usage.models.labels import NONE, status_of

PERIOD = ("range", "start", "end")
# Parameters that other pages do not take.
ONE_PAGE_ONLY = (
    *("page", "before", "q", "by", "measure", "compare", "year", "day", "week", "sort", "order", "shown"),
    *("view", "group", "account"),
)


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


def account_requests(address, account, **more):
    """The address of the requests of an account: that of requests, with the account's labels among its filters."""
    about, indexes = account.about, account.auth_indexes
    shared = account.provider if account.named_as != about.source else ""
    only = {"auth_index": indexes[0]} if len(indexes) == 1 else {"provider": shared}
    labels = {
        name: value for name, value in {"source": about.source, **only, **more}.items() if value not in ("", None)
    }
    path, _, query = address.partition("?")
    return path + changed(QueryDict(query), labels)


def failures_of(query, status, message, *label):
    """The query for the failures with a status and a message ("" for none), and with the value of a label."""
    more = dict([label]) if label else {}
    named = {"message": message or NONE, "result": "failed", "status": status_filter(status)}
    return changed(query, named | more)


def status_filter(code):
    """What the filter by status takes for the code of a failure, which may be none of HTTP's."""
    return status_of(True, code or 0)


def page_address(name: str, query: QueryDict, *without: str) -> str:
    """The address of a page with the filters of a query, without some parameters and those of one page only."""
    copy = query.copy()
    for parameter in (*without, *ONE_PAGE_ONLY):
        copy.pop(parameter, None)
    return f"{reverse(name)}?{copy.urlencode()}"
