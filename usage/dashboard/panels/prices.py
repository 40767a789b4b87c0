"""Every model with what it costs today and what it used: the busiest first, so that what lacks a price stands out."""

from typing import NamedTuple

from django.utils import timezone

from pricing.api.shapes import Price, prices
from pricing.models import Model, Revision
from usage.analytics.answers import Summary
from usage.analytics.breakdowns import breakdown
from usage.query.filters import UsageFilter


class Priced(NamedTuple):
    """A model, its price of today (None: unpriced) and its usage in the period (None: unused)."""

    model: str
    price: Price | None
    used: Summary | None

    @property
    def missing(self) -> bool:
        """Whether it was used and costs nothing for want of a price."""
        return self.price is None and self.used is not None and self.used.total_tokens > 0


def price_list(filters: UsageFilter) -> list[Priced]:
    """All models, most tokens in the period first, unused ones by name after them."""
    known = {price.model: price for price in prices(Revision.current_stamp(), timezone.localdate()).items}
    used = {row.key: row.figures for row in breakdown(filters, "model").rows}
    names = sorted({*Model.objects.values_list("name", flat=True), *known})
    found = [Priced(name, known.get(name), used.get(name)) for name in names]
    return sorted(found, key=lambda row: (not row.missing, -(row.used.total_tokens if row.used else -1), row.model))
