"""The columns a table of requests can have, and what a cell of each shows."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from usage.analytics.events.rows import EventRow
from usage.dashboard.markup import brief, cost, span
from usage.models.labels import LABELS

COOKIE, SHOWN = "columns", "shown"  # and the parameter: `columns` are those of an export
DEFAULT = ("model", "key", "account", "input", "cached", "output", "ttft", "latency", "cost", "result")


@dataclass(frozen=True)
class Column:
    """`cell` gives what a row shows; `param` is the filter that a click on it sets, `value` its value of a row."""

    title: str
    cell: Callable[[EventRow], str]
    numeric: bool = False
    param: str = ""
    value: str = ""


def result(row: EventRow) -> str:
    """ok, or the upstream's status; a failure that did not end the client's request was retried."""
    if not row.failed:
        return format_html('<span class="tag">{}</span>', gettext("ok"))
    status = row.fail_status_code or gettext("failed")
    if row.final:
        return format_html('<span class="tag bad">{}</span>', status)
    return format_html('<span class="tag warn">{} · {}</span>', status, gettext("retried"))


def _label(name, field, shown=None):
    return Column(LABELS[name].title, attrgetter(shown or field), param=name, value=field)


def _number(title, field, markup=brief):
    return Column(title, lambda row: markup(getattr(row, field)), numeric=True)


COLUMNS = {
    "model": _label("model", "model"),
    "requested": _label("requested_model", "alias"),
    "key": _label("api_key", "api_group_key", "api_group_display"),
    "account": Column(
        _("Account"), lambda row: row.source_display or row.source or row.auth_index, param="source", value="source"
    ),
    "provider": _label("provider", "provider"),
    "endpoint": _label("endpoint", "endpoint"),
    "input": _number(_("Input"), "input_tokens"),
    "cached": _number(_("Cached"), "cache_read_tokens"),
    "written": _number(_("Cache write"), "cache_creation_tokens"),
    "output": _number(_("Output"), "output_tokens"),
    "reasoning": _number(_("Reasoning"), "reasoning_tokens"),
    "total": _number(_("Tokens"), "total_tokens"),
    "ttft": _number(_("First token"), "ttft_ms", span),
    "latency": _number(_("Latency"), "latency_ms", span),
    "cost": Column(_("Cost"), cost, numeric=True),
    "effort": _label("reasoning_effort", "reasoning_effort"),
    "tier": Column(LABELS["tier"].title, lambda row: row.response_service_tier or row.service_tier),
    "request": Column(_("Request id"), attrgetter("request_id"), param="request_id", value="request_id"),
    "result": Column(LABELS["result"].title, result),
}


def chosen_of(request) -> list[str]:
    """The columns of the address, else those this browser has chosen, in the order of COLUMNS."""
    wanted = (request.GET.get(SHOWN) or request.COOKIES.get(COOKIE, "")).split(".")
    return [name for name in COLUMNS if name in wanted] or list(DEFAULT)
