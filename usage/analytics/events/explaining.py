"""Why an event costs what it costs: the set, card, tier, threshold and rates behind it."""

from datetime import date
from typing import Annotated

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop as _
from msgspec import Meta, Struct

from pricing.book import Charged, Found, PriceBook
from pricing.models import CatalogueEntry
from pricing.precedence import latest
from pricing.rates import rates_of_classes, usd_per_million
from pricing.tokenclasses import CLASSES, INPUT_CLASSES
from usage.analytics.answers import PICO
from usage.ingest.costs import priced
from usage.records.tiers import billed_tier
from usage.records.tokens import family
from usage.time.periods import local_day
from usage.time.units import SECOND_US

NO_PRICE = _("The model has no price for this day.")
NO_TOKENS = _("CPA reported no tokens for this request, and its price is per token.")
AT_LEAST = "At least: CPA does not tell for how long {tokens:,} tokens were written to a cache; an hour costs {rate}."


class PricedTokens(Struct, frozen=True):
    """One class of tokens, times its rate."""

    name: Annotated[str, Meta(description=f"A token class: {', '.join(CLASSES)}.")]
    tokens: int
    price_per_1m: Annotated[float, Meta(description="USD per million tokens.")]
    cost: Annotated[float, Meta(description="USD.")]


class AppliedAdjustment(Struct, frozen=True):
    """What changed the list price."""

    scope: Annotated[str, Meta(description="provider, account or api_key.")]
    factor: float
    fee: Annotated[float, Meta(description="USD for each success.")]
    note: str


class Candidate(Struct, frozen=True):
    """An entry of the catalogue that a model without a price may be; it is priced by the one that is chosen."""

    matched: Annotated[str, Meta(description="The catalogue's provider and id.")]
    prompt_price_per_1m: Annotated[float, Meta(description="USD per million tokens, today.")]
    completion_price_per_1m: float


class Explanation(Struct, frozen=True, kw_only=True):
    """What priced an event; without a known cost `reason` says why."""

    reason: Annotated[str, Meta(description="Why the cost is not known; empty when it is.")] = ""
    candidates: Annotated[list[Candidate], Meta(description="Among which it is not clear whose price it is.")] = []
    origin: Annotated[str, Meta(description="manual or catalogue.")] = ""
    valid_from: Annotated[date | None, Meta(description="Local date the price began on; null: always.")] = None
    matched: Annotated[str, Meta(description="The catalogue's provider and id.")] = ""
    note: str = ""
    scope: Annotated[str, Meta(description="What the price is for: '' all usage, or provider, account …")] = ""
    scope_value: Annotated[str, Meta(description="Which provider, account or seller; never a client key.")] = ""
    by_requested_name: Annotated[
        bool, Meta(description="The upstream's model has no price: it is that of the name the client asked for.")
    ] = False
    tier: Annotated[str, Meta(description="Of the card: '' also where the billed tier has no card.")] = ""
    tier_rule: Annotated[str, Meta(description="Why it is billed as its tier.")] = ""
    tier_assumed: Annotated[bool, Meta(description="The tier's first known rates, which began only later.")] = False
    hours: Annotated[str, Meta(description="Of the card: the hours (UTC) it is for, such as 01:00-04:00.")] = ""
    context_over: Annotated[int, Meta(description="Of the card: it is for inputs larger than this.")] = 0
    input_tokens: Annotated[int, Meta(description="What the threshold is compared to: uncached and cached.")] = 0
    at_least: Annotated[str, Meta(description="Why it may have cost more; empty when it may not.")] = ""
    guessed: Annotated[bool, Meta(description="CPA's executor is not known: tokens are counted the OpenAI way.")] = (
        False
    )
    fee: Annotated[float, Meta(description="USD for the request itself, whatever its tokens.")] = 0.0
    tokens: list[PricedTokens] = []
    adjustments: list[AppliedAdjustment] = []

    @property
    def said_by_catalogue(self) -> str:
        """Why the catalogue has no price, where that is the reason."""
        return self.reason.removeprefix(NO_PRICE).strip() if not self.origin else ""

    @property
    def unspecified_writes(self) -> int:
        """Tokens written to a cache for a time that CPA does not tell."""
        return sum(part.tokens for part in self.tokens if part.name == "cache_write_unspecified")


def found_for(event: dict, book: PriceBook) -> Found | None:
    """What prices an event, given as values of usage.analytics.events.rows."""
    day = local_day(event["timestamp"] // SECOND_US, settings.TIME_ZONE)
    return book.found(Charged(*(event[name] for name in Charged._fields)), day)


def cost_of(event: dict, found: Found | None) -> int | None:
    """Pico-USD; None when it is not known."""
    if found is None:
        return None
    failed, tokens = event["failed"], [event[name] for name in CLASSES]
    empty = not failed and not event["total"] and not any(tokens)
    cost, _, unknown = priced(found.rates, 1, int(failed), event["total"], int(empty), tokens)
    return None if unknown else cost


def explained(event: dict, book: PriceBook) -> Explanation:
    """What is behind the cost of an event."""
    found = found_for(event, book)
    known = {
        "tier_rule": _tier_rule(event),
        "guessed": not family(event["executor_type"], event["provider"]),
        "input_tokens": sum(event[name] for name in INPUT_CLASSES),
    }
    if found is None:
        entry = CatalogueEntry.objects.filter(model_id=event["model_id"]).first() or CatalogueEntry()
        return Explanation(reason=f"{NO_PRICE} {entry.reason}".strip(), candidates=candidates_of(entry), **known)
    card, price_set = found.card, found.price_set
    return Explanation(
        reason=NO_TOKENS if cost_of(event, found) is None else "",
        **{name: getattr(price_set, name) for name in ("origin", "valid_from", "matched", "note", "scope")},
        scope_value="" if price_set.scope == "api_key" else price_set.scope_value,
        by_requested_name=found.by_requested_name,
        **{name: getattr(card, name) for name in ("tier", "hours", "context_over")},
        tier_assumed=found.tier_assumed,
        at_least=_at_least(event, found),
        fee=0.0 if event["failed"] else found.rates.request / PICO,
        tokens=[
            PricedTokens(name, event[name], usd_per_million(rate), event[name] * rate / PICO)
            for name, rate in rates_of_classes(found.rates).items()
            if event[name]
        ],
        adjustments=[
            AppliedAdjustment(each.scope, float(each.factor), each.request / PICO, each.note)
            for each in found.adjustments
        ],
        **known,
    )


def candidates_of(entry: CatalogueEntry) -> list[Candidate]:
    """The entries among which a person can choose, by their standard rates of today."""
    today, found = timezone.localdate(), []
    for offer in entry.listing.candidates:
        cards = getattr(latest(offer.sets, today), "cards", ())
        if base := next((c for c in cards if not (c.tier or c.context_over) and c.hours_from is None), None):
            found.append(Candidate(offer.matched, usd_per_million(base.prompt), usd_per_million(base.completion)))
    return found


def is_minimum(event: dict, found: Found | None) -> bool:
    """Whether the event may have cost more: an hour in the cache costs more than the five minutes it is billed as."""
    return bool(found and event["cache_write_unspecified"] and found.rates.cache_write_1h > found.rates.cache_write)


def _at_least(event, found):
    if not is_minimum(event, found):
        return ""
    rate = f"${usd_per_million(found.rates.cache_write_1h):g} per million"
    return AT_LEAST.format(tokens=event["cache_write_unspecified"], rate=rate)


def _tier_rule(event):
    asked = event["request_service_tier"] or event["service_tier"]
    kind = family(event["executor_type"], event["provider"])
    answered, failed = event["response_service_tier"], event["failed"]
    return billed_tier(kind, event["auth_type"], event["endpoint"], asked, answered, failed).rule
