"""What a model costs, since when, and where the price came from."""

from pricing.models.entry import CatalogueEntry
from pricing.models.model import Model, Rehearsed
from pricing.models.revision import Revision
from pricing.models.sets import DAY_VALIDATORS, RATE_VALIDATORS, Origin, PriceSet, RateCard, Tier, check_cards

__all__ = [
    "DAY_VALIDATORS",
    "RATE_VALIDATORS",
    "CatalogueEntry",
    "Model",
    "Origin",
    "PriceSet",
    "RateCard",
    "Rehearsed",
    "Revision",
    "Tier",
    "check_cards",
]
