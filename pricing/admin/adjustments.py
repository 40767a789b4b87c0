"""Factors and fees of providers, accounts and client keys in the admin."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from pricing.admin.confirming import Confirmed, PriceAdmin, Unconfirmed
from pricing.admin.forms import AdjustmentForm, shown_rate
from pricing.models import Adjustment, adjusting
from pricing.rates import PICO


@admin.register(Adjustment)
class AdjustmentAdmin(Confirmed, PriceAdmin):
    """What resellers and clients are billed in place of list prices. An adjustment stays with whose usage it is for."""

    form = AdjustmentForm
    value_field = "value"
    list_display = ["value", "scope", "valid_from", "factor", "fee", "note", "updated_at"]
    list_filter = ["scope"]
    search_fields = ["value", "note"]

    @display(description=_("Fee per success (USD)"), ordering="request")
    def fee(self, adjustment):
        """In USD, without trailing zeros."""
        return shown_rate(adjustment.request, PICO)

    def get_readonly_fields(self, request, obj=None):
        """An existing one stays with whose usage it is for."""
        return ["scope", "value"] if obj else []

    def save_model(self, request, obj, form, change):
        """Save it and cost its days again, once the effect was seen."""
        if not self.confirmed(request):
            whose = f"{obj.get_scope_display()} {obj.value}"
            title = _("What this does to the costs of %(whose)s") % {"whose": whose}
            raise Unconfirmed(title, lambda: adjusting.effect_of(Adjustment.save, obj))
        adjusting.put(obj)

    def delete_model(self, request, obj):
        """Delete it and cost its days again."""
        adjusting.drop(obj)
