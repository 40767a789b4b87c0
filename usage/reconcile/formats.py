"""What the columns of a file mean: one table of their names, the known exports, and what was chosen. Pure."""

import re
from collections.abc import Callable
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from usage.reconcile.sheets import BadFile, Sheet, plain


class Role(NamedTuple):
    """What a column has: its title where a person may choose it, and its usual names, best first."""

    title: str
    names: tuple[str, ...]


DATES = (
    *("usage_date_utc", "usage_start_date", "usage_start_time", "start_time_iso", "start_time", "created_at"),
    *("date", "day", "usage_date", "timestamp", "time"),
)
CACHE_READ = ("usage_input_tokens_cache_read", "input_cached_tokens", "tokens_cached", "cached_tokens")
INPUT = ("input_tokens", "prompt_tokens", "tokens_prompt", "input")
WRITTEN_5M = ("usage_input_tokens_cache_write_5m", "input_cache_write_tokens", "cache_creation_tokens")
WRITTEN_1H = ("usage_input_tokens_cache_write_1h", "cache_creation_1h_tokens")
OUTPUT = ("usage_output_tokens", "output_tokens", "completion_tokens", "tokens_completion", "output")
COSTS = ("unrounded_cost", "cost_usd", "cost_total", "amount_value", "cost", "total_cost", "price", "usage")
ROLES = {
    "date": Role(gettext_lazy("Day or time"), DATES),
    "model": Role(gettext_lazy("Model"), ("model_permaslug", "model_version", "model", "model_name")),
    "requests": Role(gettext_lazy("Requests"), ("num_model_requests", "requests")),
    "input": Role(gettext_lazy("Input tokens, cached ones too"), INPUT),
    "uncached": Role(gettext_lazy("Input tokens without cached ones"), ("usage_input_tokens_no_cache",)),
    "cache_read": Role(gettext_lazy("Tokens read from cache"), CACHE_READ),
    "cache_write": Role(gettext_lazy("Tokens written to cache"), WRITTEN_5M),
    "cache_write_1h": Role(gettext_lazy("Tokens written to cache for one hour"), WRITTEN_1H),
    "output": Role(gettext_lazy("Output tokens, reasoning too"), OUTPUT),
    "total": Role(gettext_lazy("All tokens"), ("total_tokens", "tokens")),
    "cost": Role(gettext_lazy("Cost"), COSTS),
    "currency": Role(gettext_lazy("Currency"), ("amount_currency", "currency")),
    "until": Role("", ("usage_end_date",)),
    "item": Role("", ("line_item", "sku_description")),
    "kind": Role("", ("token_type",)),
    "quantity": Role("", ("usage_amount", "quantity")),
    "unit": Role("", ("quantity_unit",)),
    "line": Role("", ("cost_type",)),
    "credit": Role("", ("credit_type",)),
}
CHOSEN = {role: each.title for role, each in ROLES.items() if each.title}
COUNTS = ("requests", "input", "uncached", "cache_read", "cache_write", "cache_write_1h", "output", "total")
# Words by which providers call kinds of tokens; the first row that has a word of a kind is its role.
KINDS = (
    ("requests", {"request", "requests"}),
    ("cache_write_1h", {"1h"}),
    ("cache_write", {"write", "creation"}),
    ("output", {"output", "completion", "generated"}),
    ("cache_read", {"read", "hit", "cached"}),
    ("uncached", {"input", "prompt", "miss"}),
)
GEMINI = re.compile(
    r"gemini[ -]\d+(?:\.\d+)?(?:[ -](?:pro|flash|ultra|nano|lite|image|live|tts|preview)\b)*"
    r"|(?:gemini|text)-embedding-\d+|claude(?:[ -](?:opus|sonnet|haiku|\d+(?:\.\d+)?)\b)+",
    re.IGNORECASE,
)
COUNTS_TOKENS = re.compile(r"token|predictions", re.IGNORECASE)


def _columns_item(cells):
    return cells.get("model", ""), cells.get("kind", "")


def _openai_item(cells):
    """`gpt-5-nano, cached input`: the model, and what of it was counted."""
    model, _comma, kind = cells.get("item", "").partition(",")
    return model.strip(), kind if cells.get("unit", "").lower() in ("", "tokens", "token") else ""


def _google_item(cells):
    """A SKU such as `Generate content input token count gemini 2.5 flash short text`; None for what has no model."""
    sku = cells["item"]
    found = GEMINI.search(sku)
    if not found or cells.get("credit") or cells.get("line", "").lower() not in ("", "usage", "regular"):
        return None
    return found[0].lower().replace(" ", "-"), sku if COUNTS_TOKENS.search(sku) else ""


class Format(NamedTuple):
    """How a file is read; an export of a provider is known by columns that it has.

    `item` says which model and kind of tokens a line is about ("" when its quantity is of something else); None from it
    leaves the line out. `zone` is that of the days, or of times without an offset. `columns` are names by role.
    """

    title: str
    known_by: set[str]
    zone: str = "UTC"
    item: Callable[[dict[str, str]], tuple[str, str] | None] = _columns_item
    each_is_a_request: bool = False
    columns: dict[str, str] = {}


FORMATS = (
    Format("Anthropic usage", {"usage_date_utc", "usage_input_tokens_no_cache", "usage_output_tokens"}),
    Format("Anthropic cost", {"usage_date_utc", "model", "token_type", "cost_usd"}),
    Format("OpenAI usage", {"start_time", "num_model_requests", "input_tokens", "output_tokens"}),
    Format("OpenAI cost", {"start_time", "amount_value"}, item=_openai_item),
    Format("OpenRouter activity", {"created_at", "model_permaslug", "tokens_prompt"}, each_is_a_request=True),
    Format("Google Cloud cost table", {"usage_start_date", "sku_description"}, "America/Los_Angeles", _google_item),
    Format("Google Cloud billing export", {"usage_start_time", "sku_description"}, item=_google_item),
)


def known(sheet: Sheet) -> Format | None:
    """The first known export of which all columns are there."""
    names = set(map(plain, sheet.header))
    found = next((each for each in FORMATS if each.known_by <= names), None)
    return found and found._replace(columns=_named(sheet))


def chosen(columns: dict[str, str], zone: str, sheet: Sheet) -> Format:
    """A format of chosen columns, by role, as the header spells them; raises BadFile where it cannot be read so."""
    if unknown := sorted(columns.keys() - CHOSEN):
        sentence = _("There is no role %(role)s: use %(roles)s.")
        raise BadFile(sentence % {"role": unknown[0], "roles": ", ".join(CHOSEN)})
    if "date" not in columns:
        raise BadFile(_("Say which column has the day or the time."))
    if columns.keys().isdisjoint({*COUNTS, "cost"}):
        raise BadFile(_("Say which columns have tokens or cost."))
    spelled = {role: _spelled(name, sheet.header) for role, name in columns.items()}
    return Format(_("columns as chosen"), set(), zone or "UTC", columns=spelled)


def guessed(sheet: Sheet) -> dict[str, str]:
    """The column that each role probably has, by role, for a person to choose from."""
    return {role: name for role, name in _named(sheet).items() if role in CHOSEN}


def class_of(kind: str) -> str:
    """The role of a kind of tokens as providers call it; "" when it is none."""
    words = set(re.findall(r"[a-z]+|\d+[a-z]?", kind.lower()))
    return next((role for role, names in KINDS if words & names), "")


def _named(sheet):
    """The columns that have a usual name of a role."""
    names = {plain(name): name for name in reversed(sheet.header)}
    found = {role: [names[name] for name in each.names if name in names] for role, each in ROLES.items()}
    return {role: there[0] for role, there in found.items() if there}


def _spelled(name, header):
    same = [each for each in header if each == name] or [each for each in header if plain(each) == plain(name)]
    if len(same) > 1:
        raise BadFile(_("The column is there more than once."), column=name)
    if not same:
        sentence = _("There is no such column; there are %(columns)s.")
        raise BadFile(sentence % {"columns": ", ".join(filter(None, header))[:500]}, column=name)
    return same[0]
