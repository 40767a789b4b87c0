"""What a record costs, a second time: written from docs/accounting.md alone, slow and plain, without the database.

Rates are integers of a pico-dollar per token, fees of a pico-dollar; times are aware datetimes.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from math import prod
from zoneinfo import ZoneInfo

IMPOSSIBLE = 10**9
EFFORTS = ("(high)", "(max)")
WORDS = {"priority": "priority", "fast": "priority", "flex": "flex", "batch": "batch"}
ALWAYS = date.min
INPUT = ("uncached", "cache_read", "cache_write", "cache_write_1h", "cache_write_unspecified")
CLASSES = (*INPUT, "output", "reasoning", "unclassified")


@dataclass
class Card:
    """The rates of a tier over a size of context, at hours [from, to) of the UTC day in minutes or all day."""

    rates: dict[str, int]
    tier: str = ""
    over: int = 0
    hours: tuple[int, int] | None = None


@dataclass
class Prices:
    """Cards of a model from a local date on; `scope` is one of all, provider, account, api_key, seller."""

    model: str
    cards: list[Card]
    since: date | None = None
    by_hand: bool = True
    scope: str = ""
    value: str = ""


@dataclass
class Adjustment:
    """A factor, and a fee for each success, of all usage of a provider, an account or a client key."""

    scope: str
    value: str
    factor: Fraction
    fee: int = 0
    since: date | None = None


@dataclass
class World:
    """All prices, and what else decides which of them counts."""

    zone: ZoneInfo
    prices: list[Prices] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    adjustments: list[Adjustment] = field(default_factory=list)
    routes: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass
class Bill:
    """What became of a record; a cost of None is not known."""

    classes: dict[str, int]
    total: int  # CPA's own figure
    tier: str
    cost: int | None
    failed: bool
    priced: bool

    @property
    def is_empty(self) -> bool:
        """Whether it has no tokens, in a class or in total."""
        return not self.total and not any(self.classes.values())


def bill(raw: bytes, world: World) -> Bill | None:
    """The bill of a raw record; None when its figures are impossible."""
    record = json.loads(raw)
    figures = {name: max(0, count) for name, count in record["tokens"].items() if isinstance(count, int)}
    if max(figures.values(), default=0) > IMPOSSIBLE:
        return None
    classes, total = classes_of(record, figures), figures["total_tokens"]
    tier, failed = tier_of(record), record["failed"]
    moment = datetime.fromisoformat(record["timestamp"])
    usage = {
        "api_key": record["api_key"],
        "account": "" if record["source"] == record["api_key"] else record["source"],
        "provider": provider_of(record),
    }
    usage["seller"] = world.routes.get((usage["provider"], record["auth_index"]), "")
    day = moment.astimezone(world.zone).date()
    model, requested = without_effort(record["model"]), without_effort(record["alias"])
    prices = prices_on(day, model, usage, world) or prices_on(day, requested, usage, world)
    cost = None
    if prices is not None:
        moment = moment.astimezone(UTC)
        size = sum(classes[name] for name in INPUT)
        card = card_of(prices, tier, size, moment.hour * 60 + moment.minute, world)
        cost = cost_of(classes, total, failed, *adjusted(card, day, usage, world))
    return Bill(classes, total, tier, cost, failed, prices is not None)


# Tokens


def classes_of(record, figures):
    """Every token in one class."""
    found = dict.fromkeys(CLASSES, 0)
    known = complete_breakdown(record)
    if known:
        found |= known
        written = found.pop("written")
    else:
        written = by_family(record, figures, found)
    if "cache_creation_5m_tokens" in figures or "cache_creation_1h_tokens" in figures:
        found["cache_write_1h"] = min(written, figures.get("cache_creation_1h_tokens", 0))
        found["cache_write"] = written - found["cache_write_1h"]
    else:
        found["cache_write_unspecified"] = written
    return found


def complete_breakdown(record):
    """The classes of CPA's breakdown, the writes in one; None unless it is complete and its sums hold."""
    parts = record.get("token_breakdown")
    if not parts or parts["schema_version"] != 2 or parts["quality"] != "complete":
        return None
    inward, outward = parts["input"], parts["output"]
    uncached, read, written = (inward[f"{name}_tokens"] for name in ("uncached", "cache_read", "cache_write"))
    output, reasoning = outward["non_reasoning_tokens"], outward["reasoning_tokens"]
    rest = parts["unclassified_tokens"]
    sums = (uncached + read + written, output + reasoning)
    if sums != (inward["total_tokens"], outward["total_tokens"]) or sum(sums) + rest != parts["total_tokens"]:
        return None
    return {
        "uncached": uncached,
        "cache_read": read,
        "written": written,
        "output": output,
        "reasoning": reasoning,
        "unclassified": rest,
    }


def family_of(record):
    """The family of upstreams that a record's names tell: the first whose name either of them holds."""
    executor, provider = record["executor_type"].lower(), record["provider"].lower()
    if executor == "openaicompatexecutor" or provider.startswith("openai-compatib"):
        return "compatible"
    for family, parts in (
        ("claude", "claude anthropic"),
        ("gemini", "gemini aistudio antigravity vertex interaction"),
        ("codex", "codex"),
        ("xai", "xai grok"),
        ("openai", "openai kimi qwen deepseek openrouter"),
    ):
        if any(part in executor or part in provider for part in parts.split()):
            return family
    return "guessed"


def by_family(record, figures, found):
    """Fill in the classes without the writes, which are returned, by what the names say of the figures."""
    names = ("input", "output", "reasoning", "cached", "cache_read", "cache_creation", "total")
    given, output, reasoning, cached, read, written, total = (figures.get(f"{name}_tokens", 0) for name in names)
    family = family_of(record)
    if not read and not (family == "claude" and cached == written):
        read = cached
    holds_cache = family != "claude"
    if family == "guessed" and total == given + read + written + output:
        holds_cache = False
    if holds_cache:
        found["uncached"] = max(0, given - read - written)
    else:
        found["uncached"] = given
    found["cache_read"] = read
    if family == "gemini" or total == given + output + reasoning:
        found["output"], found["reasoning"] = output, reasoning
    else:
        found["reasoning"] = min(reasoning, output)
        found["output"] = output - found["reasoning"]
    rest = total - sum(found.values()) - written
    if rest > 0:
        found["output" if found["output"] or found["reasoning"] else "unclassified"] += rest
    return written


# Tiers


def tier_of(record):
    """The tier a record is billed as."""
    family = family_of(record | {"provider": provider_of(record)})
    answered = record.get("response_service_tier")
    asked = WORDS.get((record.get("request_service_tier") or record["service_tier"]).lower(), "")
    if family == "codex" and record["auth_type"] == "oauth":
        return asked
    if family == "claude" and not answered:
        return "fast" if asked == "priority" and record["endpoint"].endswith("/v1/responses") else ""
    if answered:
        return WORDS.get(answered.lower(), "")
    if family in {"codex", "xai", "compatible"} and not record["failed"]:
        return asked
    return ""


# Prices


def provider_of(record):
    """The provider as usage names it."""
    name = record["provider"]
    sold_alike = record["executor_type"].lower() == "openaicompatexecutor"
    if not record["executor_type"] and family_of(record) in {"openai", "guessed"}:
        sold_alike = name.lower() not in {"kimi", "qwen", "iflow", "openai", "unknown"}
    if sold_alike and name and not name.lower().startswith("openai-compatib"):
        return f"openai-compatible-{name.lower()}"
    return name


def without_effort(name):
    """A model's name without the effort that it asks for."""
    for effort in EFFORTS:
        name = name.removesuffix(effort)
    return name


def in_force(dated, day):
    """The newest of what is dated that has begun on a local day, or None."""
    begun = [each for each in dated if (each.since or ALWAYS) <= day]
    return max(begun, key=lambda each: each.since or ALWAYS, default=None)


def prices_on(day, model, usage, world):
    """The set that prices this usage of the model on a local day, or None."""
    order = [(True, scope) for scope in ("api_key", "account", "provider", "")]
    if model not in world.blocked:
        order += [(False, "seller"), (False, "")]
    for by_hand, scope in order:
        value = usage[scope] if scope else ""
        if scope and not value:
            continue
        wanted = (model, by_hand, scope, value)
        sets = [each for each in world.prices if (each.model, each.by_hand, each.scope, each.value) == wanted]
        found = in_force(sets, day)
        if found:
            return found
    return None


def card_of(prices, tier, size, minute, world):
    """The card of a set for a tier, an input of this size and a minute of the UTC day."""
    cards = [card for card in prices.cards if card.tier == tier]
    if not cards and not prices.by_hand:
        cards = cards_of_later(prices, tier, world)
    cards = cards or [card for card in prices.cards if not card.tier]
    fits = [card for card in cards if (card.over == 0 or size > card.over) and holds(card.hours, minute)]
    at_these_hours = [card for card in fits if card.hours]
    return max(at_these_hours or fits, key=lambda card: card.over)


def cards_of_later(prices, tier, world):
    """The cards of a tier in the first later set of the same seller of the catalogue that has some."""
    place = (prices.model, prices.by_hand, prices.scope, prices.value)
    same = [each for each in world.prices if (each.model, each.by_hand, each.scope, each.value) == place]
    for later in sorted(same, key=lambda each: each.since or ALWAYS):
        cards = [card for card in later.cards if card.tier == tier]
        if cards and (later.since or ALWAYS) > (prices.since or ALWAYS):
            return cards
    return []


def holds(hours, minute):
    """Whether a minute of the UTC day lies within hours, perhaps over midnight."""
    if not hours:
        return True
    start, end = hours
    return start <= minute < end if start < end else minute >= start or minute < end


def adjusted(card, day, usage, world):
    """({class: pico-dollars per token}, fee) of a card after all adjustments that apply on a local day."""
    applied = []
    for scope in ("provider", "account", "api_key"):
        mine = usage[scope]
        found = in_force(
            [each for each in world.adjustments if mine and (each.scope, each.value) == (scope, mine)], day
        )
        applied += [found] if found else []
    factor = prod((each.factor for each in applied), start=Fraction(1))
    rates = dict(card.rates)
    for name, other in (
        ("cache_read", "prompt"),
        ("cache_write", "prompt"),
        ("cache_write_1h", "cache_write"),
        ("reasoning", "completion"),
    ):
        if rates.get(name) is None:
            rates[name] = rates[other]
    of_class = {
        "uncached": "prompt",
        "cache_read": "cache_read",
        "cache_write": "cache_write",
        "cache_write_1h": "cache_write_1h",
        "cache_write_unspecified": "cache_write",
        "output": "completion",
        "reasoning": "reasoning",
        "unclassified": "prompt",
    }
    # round() of a Fraction rounds half to even.
    fee = round((rates.get("request") or 0) * factor) + sum(each.fee for each in applied)
    return {name: round(rates[rate] * factor) for name, rate in of_class.items()}, fee


def cost_of(classes, total, failed, rates, fee):
    """Pico-dollars; None for a success without any tokens, unless the price has a fee or is free."""
    empty = not total and not any(classes.values())
    if empty and not failed and not fee and any(rates.values()):
        return None
    return sum(classes[name] * rates[name] for name in classes) + (0 if failed else fee)
