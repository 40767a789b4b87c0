"""The admin's list of client keys with their usage."""

from django.contrib import admin
from django.db.models import Count
from unfold.decorators import display

from aliases.admin import ApiKeyAdmin
from aliases.models import ApiKey
from pricing.rates import PICO
from usage.admin.columns import UsageColumns

admin.site.unregister(ApiKey)


@admin.register(ApiKey)
class UsedApiKeyAdmin(UsageColumns, ApiKeyAdmin):
    """Keys observed or named, the busiest first."""

    list_display = ["shown", "alias", "requests", "cost", "last_seen", "key_id"]
    label = ("api_key", "fingerprint")
    sums = UsageColumns.sums | {"pico": "cost", "unpriced": "unpriced_tokens"}

    def get_queryset(self, request):
        """Without keys that were neither used nor named."""
        counted = super().get_queryset(request).annotate(observed=Count("series"))
        return counted.exclude(alias="", observed=0)

    def get_ordering(self, request):
        """As the API lists them."""
        return ["-request_count", *super().get_ordering(request)]

    @display(description="Cost", ordering="pico")
    def cost(self, key):
        """List price in USD, and the share of tokens that have no price."""
        share = key.unpriced * 100 / key.token_count if key.token_count else 0
        unpriced = f" ({share:.0f} % of tokens unpriced)" if share >= 0.5 else ""
        return f"${int(key.pico) / PICO:,.2f}{unpriced}"
