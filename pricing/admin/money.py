"""Fees of accounts and the currency of the pages in the admin."""

from django.contrib import admin

from pricing.admin.confirming import PriceAdmin
from pricing.models import AccountFee, DisplayCurrency


@admin.register(AccountFee)
class AccountFeeAdmin(PriceAdmin):
    """What accounts cost a month."""

    value_field = "account"
    list_display = ["account", "usd_per_month", "valid_from"]
    search_fields = ["account"]


@admin.register(DisplayCurrency)
class DisplayCurrencyAdmin(PriceAdmin):
    """Rates of exchange; the currency is that of the rate in force today."""

    list_display = ["code", "rate", "valid_from"]
