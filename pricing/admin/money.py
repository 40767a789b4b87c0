"""Fees of accounts and the currency of the pages in the admin."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from pricing.models import AccountFee, DisplayCurrency


class ShownAdmin(ModelAdmin):
    """Rows whose changes are counted."""

    show_full_result_count = False

    def delete_queryset(self, request, queryset):
        """One by one: a QuerySet's own deletion counts nothing."""
        for row in queryset:
            row.delete()


@admin.register(AccountFee)
class AccountFeeAdmin(ShownAdmin):
    """What accounts cost a month."""

    list_display = ["account", "usd_per_month", "valid_from"]
    search_fields = ["account"]


@admin.register(DisplayCurrency)
class DisplayCurrencyAdmin(ShownAdmin):
    """Rates of exchange; the currency is that of the rate in force today."""

    list_display = ["code", "rate", "valid_from"]
