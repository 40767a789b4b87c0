"""Fees of accounts and the currency of the pages in the admin."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from pricing.admin.confirming import without_key
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

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """A key that was typed is replaced by its fingerprint before a refused form could show it again."""
        if request.method == "POST":
            request.POST = without_key(request.POST, "account")
        return super().changeform_view(request, object_id, form_url, extra_context)


@admin.register(DisplayCurrency)
class DisplayCurrencyAdmin(ShownAdmin):
    """Rates of exchange; the currency is that of the rate in force today."""

    list_display = ["code", "rate", "valid_from"]
