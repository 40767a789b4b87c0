"""The admin's list of models with their usage."""

from django.contrib import admin
from unfold.decorators import display

from pricing.admin import ModelAdmin
from pricing.models import Model
from usage.admin.columns import UsageColumns

admin.site.unregister(Model)


@admin.register(Model)
class UsedModelAdmin(UsageColumns, ModelAdmin):
    """The unpriced first, then the busiest."""

    list_display = ["name", "source", "rates", "requests", "tokens", "last_seen", "listed"]
    label = ("model", "name")

    def get_ordering(self, request):
        """Models whose cost is unknown come first."""
        return ["is_priced", "-request_count", "name"]

    @display(description="Tokens", ordering="token_count")
    def tokens(self, model):
        """As CPA counts them."""
        return f"{model.token_count:,}"
