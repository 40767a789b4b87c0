"""The columns a table of requests can have, and what a cell of each shows."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from usage.analytics.events.bodies import spoken
from usage.analytics.events.rows import FullRow
from usage.dashboard.formats import DASH, compact, percent
from usage.dashboard.markup import brief, cost, span
from usage.models.labels import LABELS
from usage.models.querysets import MESSAGE_LENGTH
from usage.query.filters import asks_for_failures

COOKIE, SHOWN = "columns", "shown"  # and the parameter: `columns` are those of an export
DEFAULT = ("model", "key", "account", "input", "cached", "output", "total", "ttft", "latency", "cost", "result")
INPUT = ("input_tokens", "cache_read_tokens", "cache_creation_tokens")
REQUEST_ID = attrgetter("request_id")
OF_FAILURES = ("model", "key", "account", "message", "latency", "result")


@dataclass(frozen=True)
class Column:
    """`cell` gives what a row shows, `fields` of a row are what a file has for it.

    `param` is the filter that its icon sets, to `value` of the row; `order` is the one that its heading sets.
    """

    title: str
    cell: Callable[[FullRow], str]
    fields: tuple[str, ...]
    numeric: bool = False
    param: str = ""
    value: Callable[[FullRow], str] | None = None
    order: str = ""


def result(row: FullRow) -> str:
    """ok, or the upstream's status; a failure that did not end the client's request was retried."""
    if not row.failed:
        return format_html('<span class="tag">{}</span>', gettext("ok"))
    status = row.fail_status_code or gettext("failed")
    if row.final:
        return format_html('<span class="tag bad">{}</span>', status)
    return format_html('<span class="tag warn">{} · {}</span>', status, gettext("retried"))


def _account(row):
    return row.source_display or row.source or row.auth_index


def _message(row):
    return spoken(row.fail_body)


def _beginning(row):
    return row.fail_body[:MESSAGE_LENGTH]


def _per_second(row):
    """Output tokens per second of generation; a dash where no first token was timed."""
    generation = (row.latency_ms - row.ttft_ms) / 1000 if row.ttft_ms else 0
    return compact(row.output_tokens / generation) if generation > 0 and not row.failed else DASH


def _cache_share(row):
    """How much of the input was read from a cache."""
    whole = sum(getattr(row, name) for name in INPUT)
    return percent(row.cache_read_tokens / whole if whole else None)


def _label(name, field, shown=None):
    shown = shown or field
    return Column(LABELS[name].title, attrgetter(shown), (shown,), param=name, value=attrgetter(field))


def _number(title, field, markup=brief, order=""):
    return Column(title, lambda row: markup(getattr(row, field)), (field,), numeric=True, order=order)


COLUMNS = {
    "model": _label("model", "model"),
    "requested": _label("requested_model", "alias"),
    "key": _label("api_key", "api_group_key", "api_group_display"),
    "account": Column(_("Account"), _account, ("source_display",), param="source", value=attrgetter("source")),
    "provider": _label("provider", "provider"),
    "endpoint": _label("endpoint", "endpoint"),
    "client": Column(_("Client"), attrgetter("client_ip"), ("client_ip",)),
    "program": Column(_("Program"), lambda row: row.user_agent.partition(" ")[0], ("user_agent",)),
    "message": Column(_("Message"), _message, ("fail_body",), param="message", value=_beginning),
    "input": _number(_("Input"), "input_tokens"),
    "cached": _number(_("Cached"), "cache_read_tokens"),
    "share": Column(_("From cache"), _cache_share, INPUT, numeric=True),
    "written": _number(_("Cache write"), "cache_creation_tokens"),
    "output": _number(_("Output"), "output_tokens"),
    "reasoning": _number(_("Reasoning"), "reasoning_tokens"),
    "total": _number(_("Tokens"), "total_tokens", order="-tokens"),
    "ttft": _number(_("First token"), "ttft_ms", span),
    "latency": _number(_("Latency"), "latency_ms", span, order="-latency"),
    "speed": Column(_("Tokens/s"), _per_second, ("output_tokens", "ttft_ms", "latency_ms"), numeric=True),
    "cost": Column(_("Cost"), cost, ("cost",), numeric=True, order="-cost"),
    "effort": _label("reasoning_effort", "reasoning_effort"),
    "tier": Column(LABELS["tier"].title, lambda row: row.response_service_tier or row.service_tier, ("tier",)),
    "request": Column(_("Request id"), REQUEST_ID, ("request_id",), param="request_id", value=REQUEST_ID),
    "result": Column(LABELS["result"].title, result, ("failed", "fail_status_code")),
}


def chosen_of(request) -> list[str]:
    """The columns of the address, else those this browser has chosen, in the order of COLUMNS, else the usual ones."""
    wanted = (request.GET.get(SHOWN) or request.COOKIES.get(COOKIE, "")).split(".")
    usual = OF_FAILURES if asks_for_failures(request.query) else DEFAULT
    return [name for name in COLUMNS if name in wanted] or list(usual)
