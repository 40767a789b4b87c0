"""Models, their dated price sets with rate cards, and what the price catalogue says about them."""

from pricing.models.entry import CatalogueEntry
from pricing.models.model import Model
from pricing.models.revision import Revision
from pricing.models.sets import Origin, PriceSet, RateCard, Tier

__all__ = ["CatalogueEntry", "Model", "Origin", "PriceSet", "RateCard", "Revision", "Tier"]
