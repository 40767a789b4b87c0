"""How much of a period has a known cost, and what has none."""

from heapq import nsmallest
from typing import Annotated, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext_noop
from msgspec import Meta, Struct

from cpa_usage.http.lists import Listing, totals_of
from pricing.models import Model
from usage.analytics.answers import Figures, Tokens, figures, has_no_known_cost
from usage.analytics.events.explaining import NO_TOKENS, Candidate, candidates_of
from usage.models import MEASURES, PRICED
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.largest import MOST, largest
from usage.query.partial import price_book
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.periods import day_number

UNPRICED = gettext_noop("It has no price on days of this period.")
WITHOUT_PRICE, WITHOUT_TOKENS = ("unpriced_requests", "unpriced_tokens"), ("without_tokens",)
FEW = 10
UNSPECIFIED = ("cache_write_unspecified",)


class PricedShare(Struct, frozen=True):
    """How many of a total have a known cost."""

    priced: int
    total: int

    @property
    def share(self) -> float | None:
        """The share, 0 to 1; None if the total is 0."""
        return self.priced / self.total if self.total else None


class WithoutCost(NamedTuple):
    """How many values of a label have no known cost, their tokens, and some of them by name."""

    count: int
    tokens: int
    names: list[str]


class Covered(Listing, frozen=True, kw_only=True):
    """How much of a period has a known cost."""

    requests: Annotated[PricedShare, Meta(description="Successes.")]
    models: Annotated[PricedShare, Meta(description="Models of which some usage has a known cost.")]
    tokens: PricedShare
    unpriced_models: Annotated[list[str], Meta(description="Models without any known cost, most requests first.")]
    minimum_tokens: Annotated[
        int,
        Meta(description="Written to a cache for a time that CPA does not tell, where an hour costs more than billed."),
    ]

    @property
    def is_whole(self) -> bool:
        """Whether every cost is known."""
        return all(part.priced == part.total for part in (self.requests, self.models, self.tokens))


class UnpricedUse(Struct, frozen=True, kw_only=True):
    """What a model used at a provider without a known cost."""

    model: str
    provider: str
    requests: Annotated[int, Meta(description="Successes.")]
    tokens: Tokens
    reason: str
    candidates: Annotated[list[Candidate], Meta(description="Among which it is not clear whose price it is.")] = []


class EmptyUse(Struct, frozen=True, kw_only=True):
    """Successes of a model at a provider for which CPA reported no tokens."""

    model: str
    provider: str
    requests: int


class Coverage(Covered, frozen=True, kw_only=True):
    """How much of a period has a known cost, and what has none, most requests first."""

    unpriced: list[UnpricedUse]
    without_tokens: list[EmptyUse]


@snapshot()
def covered(filters: UsageFilter) -> Covered:
    """The share with a known cost, by request, model and token, with a few unpriced models."""
    return Covered(**_covered(filters, FEW))


@snapshot()
def coverage(filters: UsageFilter, limit: int = MOST) -> Coverage:
    """The share with a known cost, by request, model and token; then what has none, and successes without tokens."""
    reader, by = Reader.of(filters), (LABELS["model"].column, LABELS["provider"].column)
    unpriced, empty = (largest(reader, by, each[0], limit, each) for each in (WITHOUT_PRICE, WITHOUT_TOKENS))
    reasons, candidates = _without_price({model for model, _ in unpriced.rows})
    covered = _covered(filters, limit)
    totals = totals_of(unpriced=(unpriced.count, unpriced.rows), without_tokens=(empty.count, empty.rows))
    return Coverage(
        **covered | {"totals": covered["totals"] | totals},
        unpriced=[
            UnpricedUse(
                model=model,
                provider=provider,
                requests=used.unpriced_requests,
                tokens=used.unpriced_tokens,
                reason=reasons.get(model, UNPRICED if used.unpriced_tokens else NO_TOKENS),
                candidates=candidates.get(model, []),
            )
            for (model, provider), used in _most_first(unpriced.rows)
        ],
        without_tokens=[
            EmptyUse(model=model, provider=provider, requests=used.without_tokens)
            for (model, provider), used in _most_first(empty.rows)
        ],
    )


@snapshot()
def without_cost(filters: UsageFilter, by: str, limit: int = 0) -> WithoutCost:
    """The values of a label of which no usage has a known cost; so many of them by name, most requests first."""
    found = [
        (failed - requests, -tokens, value)
        for (value,), (requests, failed, tokens, *priced) in _costs(Reader.of(filters), LABELS[by].column).items()
        if has_no_known_cost(requests - failed, *priced)
    ]
    names = [value for *_, value in nsmallest(limit, found)]
    return WithoutCost(len(found), -sum(tokens for _, tokens, _ in found), names)


def _costs(reader, column):
    return reader.some_by((column,), ("requests", "failed", "total", *PRICED))


def _covered(filters, limit):
    reader, column = Reader.of(filters), LABELS["model"].column
    whole, unpriced = Figures(**figures(reader.total())), without_cost(filters, "model", limit)
    models = len(_costs(reader, column))
    return {
        "requests": PricedShare(whole.success - whole.unpriced_requests, whole.success),
        "models": PricedShare(models - unpriced.count, models),
        "tokens": PricedShare(whole.total_tokens - whole.unpriced_tokens, whole.total_tokens),
        "unpriced_models": unpriced.names,
        "minimum_tokens": _minimum_tokens(reader, column),
        "totals": totals_of(unpriced_models=(unpriced.count, unpriced.names)),
    }


def _most_first(rows):
    """(values of columns, Figures), most requests first."""
    found = [(key, Figures(**figures(row))) for key, row in rows.items()]
    return sorted(found, key=lambda each: (-each[1].success, -each[1].total_tokens, each[0]))


def _minimum_tokens(reader, column):
    """By each model's own price of today, at the standard tier: nothing else needs to be read for it."""
    today, book = day_number(timezone.localdate()), price_book()
    found = 0
    for (model,), row in largest(reader, (column,), UNSPECIFIED[0], MOST, UNSPECIFIED).rows.items():
        rates = book.standard_rates(model, today)
        if rates and rates.cache_write_1h > rates.cache_write:
            found += row[MEASURES.index(*UNSPECIFIED)]
    return found


def _without_price(names):
    """({model: why it has no price}, {model: entries to choose from}) of those that have none today."""
    models = Model.objects.filter(name__in=names).with_prices(timezone.localdate()).filter(is_priced=False)
    entries = {model.name: getattr(model, "catalogue", None) for model in models.select_related("catalogue")}
    reasons = {name: entry.reason if entry and entry.reason else UNPRICED for name, entry in entries.items()}
    return reasons, {name: candidates_of(entry) for name, entry in entries.items() if entry}
