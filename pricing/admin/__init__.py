"""Models and their prices in the admin. Every change is shown with its effect on past costs before it is saved."""

from pricing.admin.adjustments import AdjustmentAdmin
from pricing.admin.models import ModelAdmin
from pricing.admin.money import AccountFeeAdmin, DisplayCurrencyAdmin
from pricing.admin.pricesets import PriceSetAdmin
