"""Models, their dated price sets with rate cards, and what the price catalogue says about them."""

from pricing.models.adjustments import Adjustment, Route
from pricing.models.model import Model
from pricing.models.sets import CatalogueEntry, Origin, PriceSet, RateCard, Revision, Scope, Tier

__all__ = [
    "Adjustment",
    "CatalogueEntry",
    "Model",
    "Origin",
    "PriceSet",
    "RateCard",
    "Revision",
    "Route",
    "Scope",
    "Tier",
]
