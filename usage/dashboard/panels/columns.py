"""The columns a table of requests can have, and how a cell of each reads."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from usage.analytics.events.rows import EventRow
from usage.dashboard.templatetags import figures

COOKIE = "columns"
CHOSEN = ("model", "key", "account", "input", "cached", "output", "ttft", "latency", "cost", "result")


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


COLUMNS = {
    "model": Column(_("Model"), lambda row: row.model, param="model", value="model"),
    "requested": Column(_("Requested model"), lambda row: row.alias, param="requested_model", value="alias"),
    "key": Column(_("Key"), lambda row: row.api_group_display, param="api_key", value="api_group_key"),
    "account": Column(
        _("Account"), lambda row: row.source_display or row.source or row.auth_index, param="source", value="source"
    ),
    "provider": Column(_("Provider"), lambda row: row.provider, param="provider", value="provider"),
    "endpoint": Column(_("Endpoint"), lambda row: row.endpoint, param="endpoint", value="endpoint"),
    "input": Column(_("Input"), lambda row: figures.brief(row.input_tokens), numeric=True),
    "cached": Column(_("Cached"), lambda row: figures.brief(row.cache_read_tokens), numeric=True),
    "written": Column(_("Cache write"), lambda row: figures.brief(row.cache_creation_tokens), numeric=True),
    "output": Column(_("Output"), lambda row: figures.brief(row.output_tokens), numeric=True),
    "reasoning": Column(_("Reasoning"), lambda row: figures.brief(row.reasoning_tokens), numeric=True),
    "total": Column(_("Tokens"), lambda row: figures.brief(row.total_tokens), numeric=True),
    "ttft": Column(_("First token"), lambda row: figures.span(row.ttft_ms), numeric=True),
    "latency": Column(_("Latency"), lambda row: figures.span(row.latency_ms), numeric=True),
    "cost": Column(_("Cost"), lambda row: figures.money(row.cost), numeric=True),
    "effort": Column(_("Effort"), lambda row: row.reasoning_effort, param="reasoning_effort", value="reasoning_effort"),
    "tier": Column(_("Tier"), lambda row: row.response_service_tier or row.service_tier),
    "request": Column(_("Request id"), lambda row: row.request_id, param="request_id", value="request_id"),
    "result": Column(_("Result"), result),
}


def chosen_of(request) -> list[str]:
    """The columns this browser likes, in the order of COLUMNS."""
    wanted = request.COOKIES.get(COOKIE, "").split(".")
    return [name for name in COLUMNS if name in wanted] or [name for name in COLUMNS if name in CHOSEN]
