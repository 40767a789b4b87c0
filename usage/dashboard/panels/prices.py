"""Every model with its price of today and its usage in the period; used models without a price stand first."""

from typing import NamedTuple

from django.utils import timezone

from pricing.api.shapes import Price, prices
from pricing.models import Model, Revision
from usage.analytics.answers import Summary
from usage.analytics.breakdowns import breakdown
from usage.query.filters import UsageFilter


class PricedModel(NamedTuple):
    """A model, its price of today (None: unpriced) and its usage in the period (None: unused)."""

    model: str
    price: Price | None
    used: Summary | None

    @property
    def missing(self) -> bool:
        """Whether its tokens cost nothing only because it has no price."""
        return self.price is None and self.used is not None and self.used.total_tokens > 0


def price_list(filters: UsageFilter) -> list[PricedModel]:
    """All models: those that lack a price, then most tokens in the period first, unused ones by name after them."""
    priced = {price.model: price for price in prices(Revision.current_stamp(), timezone.localdate()).items}
    used = {row.key: row.figures for row in breakdown(filters, "model").rows}
    names = {*Model.objects.values_list("name", flat=True), *priced}
    found = [PricedModel(name, priced.get(name), used.get(name)) for name in names]
    return sorted(found, key=lambda row: (not row.missing, -(row.used.total_tokens if row.used else -1), row.model))
