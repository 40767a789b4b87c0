"""How much of a period has a known cost, and what has none."""

from typing import Annotated

from django.utils import timezone
from django.utils.translation import gettext_noop
from msgspec import Meta, Struct

from pricing.book import PriceBook
from pricing.models import Model
from usage.analytics.answers import Figures, Tokens, figures
from usage.analytics.events.explaining import NO_TOKENS, Candidate, candidates_of
from usage.models import MEASURES
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.periods import day_number

UNPRICED = gettext_noop("It has no price on days of this period.")
UNSPECIFIED = MEASURES.index("cache_write_unspecified")


class Part(Struct, frozen=True):
    """So many of so many have a known cost."""

    priced: int
    total: int

    @property
    def share(self) -> float | None:
        """As a share of one; None of nothing."""
        return self.priced / self.total if self.total else None


class Covered(Struct, frozen=True, kw_only=True):
    """How much of a period has a known cost."""

    requests: Annotated[Part, Meta(description="Successes.")]
    models: Annotated[Part, Meta(description="Models of which some usage has a known cost.")]
    tokens: Part
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
    """Successes of a model at a provider for which CPA told no tokens."""

    model: str
    provider: str
    requests: int


class Coverage(Covered, frozen=True, kw_only=True):
    """How much of a period has a known cost, and what has none, most requests first."""

    unpriced: list[UnpricedUse]
    without_tokens: list[EmptyUse]


@snapshot()
def covered(filters: UsageFilter) -> Covered:
    """By request, model and token."""
    return Covered(**_covered(filters))


@snapshot()
def coverage(filters: UsageFilter) -> Coverage:
    """By request, model and token; then what has no known cost, and successes without any tokens."""
    found = _most_first(Reader.of(filters).by(LABELS["model"].column, LABELS["provider"].column))
    unpriced = [(*key, used) for key, used in found if used.unpriced_requests or used.unpriced_tokens]
    reasons, candidates = _without_price({model for model, _, _ in unpriced})
    return Coverage(
        **_covered(filters),
        unpriced=[
            UnpricedUse(
                model=model,
                provider=provider,
                requests=used.unpriced_requests,
                tokens=used.unpriced_tokens,
                reason=reasons.get(model, UNPRICED if used.unpriced_tokens else NO_TOKENS),
                candidates=candidates.get(model, []),
            )
            for model, provider, used in unpriced
        ],
        without_tokens=[
            EmptyUse(model=model, provider=provider, requests=used.without_tokens)
            for (model, provider), used in found
            if used.without_tokens
        ],
    )


def _covered(filters):
    rows = Reader.of(filters).by(LABELS["model"].column)
    found = _most_first(rows)
    used = [figures for _, figures in found]
    unpriced = [model for (model,), figures in found if figures.known_cost is None]
    requests, tokens = sum(each.success for each in used), sum(each.total_tokens for each in used)
    return {
        "requests": Part(requests - sum(each.unpriced_requests for each in used), requests),
        "models": Part(len(used) - len(unpriced), len(used)),
        "tokens": Part(tokens - sum(each.unpriced_tokens for each in used), tokens),
        "unpriced_models": unpriced,
        "minimum_tokens": _minimum_tokens(rows),
    }


def _most_first(rows):
    """(values of columns, Figures), most requests first."""
    found = [(key, Figures(**figures(row))) for key, row in rows.items()]
    return sorted(found, key=lambda each: (-each[1].success, -each[1].total_tokens, each[0]))


def _minimum_tokens(rows):
    """By each model's own price of today, at the standard tier: nothing else needs to be read for it."""
    today, book = day_number(timezone.localdate()), PriceBook.current()
    found = 0
    for (model,), row in rows.items():
        rates = book.standard_rates(model, today) if row[UNSPECIFIED] else None
        if rates and rates.cache_write_1h > rates.cache_write:
            found += row[UNSPECIFIED]
    return found


def _without_price(names):
    """({model: why it has no price}, {model: entries to choose from}) of those that have none today."""
    models = Model.objects.filter(name__in=names).with_prices(timezone.localdate()).filter(is_priced=False)
    entries = {model.name: getattr(model, "catalogue", None) for model in models.select_related("catalogue")}
    reasons = {name: entry.reason if entry and entry.reason else UNPRICED for name, entry in entries.items()}
    return reasons, {name: candidates_of(entry) for name, entry in entries.items() if entry}
