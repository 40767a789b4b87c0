"""The exports of providers, recognised by the names of their columns. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from usage.reconcile.sheets import Sheet, plain

GEMINI = re.compile(
    r"gemini[ -]\d+(?:\.\d+)?(?:[ -](?:pro|flash|ultra|nano|lite|image|live|tts|preview)\b)*"
    r"|gemini-embedding-\d+|text-embedding-\d+"
    r"|claude(?:[ -](?:opus|sonnet|haiku|\d+(?:\.\d+)?)\b)+",
    re.IGNORECASE,
)
OF_MODELS = re.compile(r"gemini|vertex|generative|agent platform", re.IGNORECASE)
COUNTS_TOKENS = re.compile(r"token|predictions", re.IGNORECASE)


class Item(NamedTuple):
    """What a line is about: a model, and a kind of tokens ("" when its quantity is of something else)."""

    model: str
    kind: str = ""


@dataclass(frozen=True)
class Format:
    """An export. `columns`: by role the names it may have, as sheets.plain writes them; the first of each is needed.

    `optional` are the same for roles that may be missing. `item` reads model and kind out of other cells; None from it
    leaves the line out, as no usage of models.
    """

    title: str
    columns: dict[str, tuple[str, ...]]
    optional: dict[str, tuple[str, ...]]
    zone: str = "UTC"
    each_is_a_request: bool = False
    item: Callable[[dict[str, str]], Item | None] | None = None


def format_of(sheet: Sheet) -> Format | None:
    """The first format of which all columns are there."""
    names = set(map(plain, sheet.header))
    return next(
        (each for each in FORMATS if all(not names.isdisjoint(wanted) for wanted in each.columns.values())), None
    )


def class_of(kind: str) -> str:
    """The role (columns.ROLES) of a kind of tokens as providers call it; "" when it is none."""
    words = set(re.findall(r"[a-z]+|\d+[a-z]?", kind.lower().replace("cached", "cache read")))
    if words & {"request", "requests"}:
        return "requests"
    if words & {"write", "creation"}:
        return "cache_write_1h" if words & {"1h"} else "cache_write"
    if words & {"output", "completion", "generated"}:
        return "output"
    if words & {"hit", "read"}:
        return "cache_read"
    return "uncached" if words & {"input", "prompt", "miss"} else ""


def _openai_item(cells):
    """`gpt-5-nano, cached input`: the model, and what of it was counted."""
    model, _, kind = cells["item"].partition(",")
    return Item(model.strip(), kind if cells.get("unit", "tokens").lower() in ("", "tokens", "token") else "")


def _google_item(cells):
    """A SKU such as `Generate content input token count gemini 2.5 flash short text`."""
    if cells.get("line") not in (None, "", "Usage", "usage", "regular") or cells.get("credit"):
        return None
    sku = cells["item"]
    kind = sku if COUNTS_TOKENS.search(sku) else ""
    if found := GEMINI.search(sku):
        return Item(found[0].lower().replace(" ", "-"), kind)
    return Item(sku, kind) if OF_MODELS.search(f"{cells.get('service', '')} {sku}") else None


FORMATS = (
    Format(
        "Anthropic usage",
        {
            "date": ("usage_date_utc",),
            "model": ("model_version",),
            "uncached": ("usage_input_tokens_no_cache",),
            "output": ("usage_output_tokens",),
        },
        {
            "cache_read": ("usage_input_tokens_cache_read",),
            "cache_write": ("usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write"),
            "cache_write_1h": ("usage_input_tokens_cache_write_1h",),
        },
    ),
    Format(
        "Anthropic cost",
        {"date": ("usage_date_utc",), "model": ("model",), "kind": ("token_type",), "cost": ("cost_usd",)},
        {},
    ),
    Format(
        "OpenAI usage",
        {
            "date": ("start_time_iso", "start_time"),
            "requests": ("num_model_requests",),
            "input": ("input_tokens",),
            "output": ("output_tokens",),
        },
        {"model": ("model",), "cache_read": ("input_cached_tokens",), "cache_write": ("input_cache_write_tokens",)},
    ),
    Format(
        "OpenAI cost",
        {"date": ("start_time_iso", "start_time"), "cost": ("amount_value",), "item": ("line_item",)},
        {"currency": ("amount_currency",), "quantity": ("quantity",), "unit": ("quantity_unit",)},
        item=_openai_item,
    ),
    Format(
        "OpenAI cost",
        {"date": ("start_time_iso", "start_time"), "cost": ("amount_value",)},
        {"currency": ("amount_currency",)},
    ),
    Format(
        "OpenRouter activity",
        {
            "date": ("created_at",),
            "model": ("model_permaslug",),
            "input": ("tokens_prompt",),
            "output": ("tokens_completion",),
            "cost": ("cost_total",),
        },
        {"cache_read": ("tokens_cached",)},
        each_is_a_request=True,
    ),
    Format(
        "OpenRouter activity by day",
        {
            "date": ("date",),
            "model": ("model", "model_permaslug"),
            "input": ("prompt_tokens",),
            "output": ("completion_tokens",),
            "cost": ("usage",),
        },
        {"requests": ("requests",)},
    ),
    Format(
        "Google Cloud cost table",
        {
            "date": ("usage_start_date",),
            "item": ("sku_description",),
            "quantity": ("usage_amount",),
            "cost": ("unrounded_cost", "cost"),
        },
        {
            "until": ("usage_end_date",),
            "service": ("service_description",),
            "line": ("cost_type",),
            "credit": ("credit_type",),
            "currency": ("currency",),
        },
        zone="America/Los_Angeles",
        item=_google_item,
    ),
    Format(
        "Google Cloud billing export",
        {
            "date": ("usage_start_time",),
            "item": ("sku_description",),
            "quantity": ("usage_amount",),
            "cost": ("cost",),
        },
        {"service": ("service_description",), "line": ("cost_type",), "currency": ("currency",)},
        item=_google_item,
    ),
)
