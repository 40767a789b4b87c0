"""What the columns of a file mean: roles, the columns that have them, and guesses. Pure."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from usage.reconcile.cells import ORDERS
from usage.reconcile.sheets import BadFile, Sheet, plain

ROLES = {
    "date": gettext_lazy("Day or time"),
    "until": gettext_lazy("Last day"),
    "model": gettext_lazy("Model"),
    "requests": gettext_lazy("Requests"),
    "input": gettext_lazy("Input tokens, cached ones too"),
    "uncached": gettext_lazy("Input tokens without cached ones"),
    "cache_read": gettext_lazy("Tokens read from cache"),
    "cache_write": gettext_lazy("Tokens written to cache"),
    "cache_write_1h": gettext_lazy("Tokens written to cache for one hour"),
    "output": gettext_lazy("Output tokens, reasoning too"),
    "total": gettext_lazy("All tokens"),
    "kind": gettext_lazy("Kind of tokens"),
    "quantity": gettext_lazy("Quantity of that kind"),
    "cost": gettext_lazy("Cost"),
    "currency": gettext_lazy("Currency"),
}
COUNTS = ("requests", "input", "uncached", "cache_read", "cache_write", "cache_write_1h", "output", "total")
MEASURED = (*COUNTS, "quantity", "cost")
# Names by which files that we do not know call such columns; the first that is there is offered.
USUAL = {
    "date": ("date", "day", "usage_date", "utc_date", "created_at", "timestamp", "time", "start_time", "month"),
    "until": ("end_date", "usage_end_date", "last_day"),
    "model": ("model", "model_name", "model_version", "model_id"),
    "requests": ("requests", "request_count", "num_requests", "calls"),
    "input": ("input_tokens", "prompt_tokens", "tokens_prompt", "input"),
    "uncached": ("uncached_input_tokens",),
    "cache_read": ("cache_read_tokens", "cached_tokens", "cache_read_input_tokens", "cached_input_tokens"),
    "cache_write": ("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens"),
    "cache_write_1h": ("cache_creation_1h_tokens", "cache_write_1h_tokens"),
    "output": ("output_tokens", "completion_tokens", "tokens_completion", "output"),
    "total": ("total_tokens", "tokens"),
    "kind": ("token_type", "type"),
    "quantity": ("quantity", "amount"),
    "cost": ("cost_usd", "cost", "total_cost", "amount_usd", "price", "spend", "charge"),
    "currency": ("currency",),
}


@dataclass(frozen=True)
class Mapping:
    """How a file is read that no known format fits. `columns` are names of the header by role."""

    columns: dict[str, str] = field(hash=False)
    zone: str = "UTC"  # in which the days of the file are, or times without an offset
    order: str = "ymd"  # how days are written: a key of cells.ORDERS


def checked(mapping: Mapping, sheet: Sheet) -> Mapping:
    """The mapping, with names as the header spells them; raises BadFile where the sheet cannot be read by it."""
    if unknown := sorted(mapping.columns.keys() - ROLES):
        sentence = _("There is no role %(role)s: use %(roles)s.")
        raise BadFile(sentence % {"role": unknown[0], "roles": ", ".join(ROLES)})
    if mapping.order not in ORDERS:
        raise BadFile(_("Days are written as one of %(orders)s.") % {"orders": ", ".join(ORDERS)})
    columns = {role: _spelled(name, sheet.header) for role, name in mapping.columns.items() if name}
    if "date" not in columns:
        raise BadFile(_("Say which column has the day or the time."))
    if columns.keys().isdisjoint(MEASURED) or ("quantity" in columns) != ("kind" in columns):
        raise BadFile(_("Say which columns have tokens or cost; a quantity goes with a kind."))
    return Mapping(columns, mapping.zone, mapping.order)


def guessed(sheet: Sheet) -> dict[str, str]:
    """The column that each role probably has, by role."""
    names = {plain(name): name for name in reversed(sheet.header)}
    found = {role: next((names[name] for name in usual if name in names), "") for role, usual in USUAL.items()}
    if not (found["kind"] and found["quantity"]):
        found["kind"] = found["quantity"] = ""
    return {role: name for role, name in found.items() if name}


def _spelled(name, header):
    same = [each for each in header if each == name] or [each for each in header if plain(each) == plain(name)]
    if len(same) > 1:
        raise BadFile(_("The column is there more than once."), column=name)
    if not same:
        sentence = _("There is no such column; there are %(columns)s.")
        raise BadFile(sentence % {"columns": ", ".join(filter(None, header))[:500]}, column=name)
    return same[0]
