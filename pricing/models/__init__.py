"""Models, their dated price sets with rate cards, what the price catalogue says about them, fees and currencies."""

from pricing.models.adjustments import Adjustment, Route
from pricing.models.model import Model
from pricing.models.money import AccountFee, DisplayCurrency
from pricing.models.published import PublishedCatalogue
from pricing.models.sets import CatalogueEntry, Origin, PriceSet, RateCard, Revision, Scope, Tier
