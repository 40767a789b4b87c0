"""Models, their dated price sets with rate cards, and what the price catalogue says about them."""

from pricing.models.model import Model
from pricing.models.sets import CatalogueEntry, Origin, PriceSet, RateCard, Revision, Tier

__all__ = ["CatalogueEntry", "Model", "Origin", "PriceSet", "RateCard", "Revision", "Tier"]
