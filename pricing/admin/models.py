"""Models in the admin: their price of today and what the catalogue says. Usage adds its own columns to the list."""

from urllib.parse import urlencode

from django.contrib import admin
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display

from cpa_usage.admin.rows import never
from pricing.admin.bulk import BulkPricing
from pricing.admin.choosing import Choosing
from pricing.admin.confirming import PriceAdmin, usd
from pricing.admin.forms import shown_rate
from pricing.models import Model, PriceSet, RateCard
from pricing.rates import PICO

SOURCES = {"unpriced": "danger", "manual": "info", "catalogue": "success"}
RATES = {
    "prompt": _("%s in"),
    "completion": _("%s out"),
    "cache_read": _("cache read %s"),
    "cache_write": _("write %s"),
    "cache_write_1h": _("1-hour write %s"),
    "reasoning": _("reasoning %s"),
}


class Priced(admin.SimpleListFilter):
    """With or without a price today; needs ModelQuerySet.with_prices()."""

    title, parameter_name = _("price"), "priced"

    def lookups(self, request, model_admin):
        """Values of `?priced=`."""
        return [("no", _("unpriced")), ("yes", _("priced"))]

    def queryset(self, request, queryset):
        """By the annotation `is_priced`."""
        return queryset.filter(is_priced=self.value() == "yes") if self.value() else queryset


class Offered(admin.SimpleListFilter):
    """Models whose past costs the catalogue would correct."""

    title, parameter_name = _("correction"), "offered"

    def lookups(self, request, model_admin):
        """The only value of `?offered=`."""
        return [("yes", _("offered by the catalogue"))]

    def queryset(self, request, queryset):
        """By the entry of the last look-up."""
        return queryset.filter(catalogue__corrects=True) if self.value() else queryset


class SetInline(TabularInline):
    """A model's price sets, read-only; each links to its own page."""

    model = PriceSet
    fields = ["valid_from", "whose", "origin", "in_use", "rates", "matched", "note"]
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True
    verbose_name_plural = _("Price sets")
    has_add_permission = never  # sets are added on a page of their own

    def get_queryset(self, request):
        """With everything that a row shows, in three queries."""
        return super().get_queryset(request).prefetch_related("cards", "model__price_sets")

    @display(description=_("For"))
    def whose(self, price_set):
        """Whose usage it is for."""
        return price_set.whose

    @display(description=_("State"))
    def in_use(self, price_set):
        """In force today, ahead, past or overridden."""
        return gettext(price_set.state)

    @display(description=_("Rates (USD per million)"))
    def rates(self, price_set):
        """One line a card."""
        return format_html_join(mark_safe("<br>"), "{}", ((_line(card),) for card in price_set.cards.all()))


@admin.register(Model)
class ModelAdmin(Choosing, BulkPricing, PriceAdmin):
    """Models are never deleted, because records point at them."""

    list_filter = [Priced, Offered]
    search_fields = ["name"]
    fields = ["name", "listed", "candidates", "offered"]
    readonly_fields = ["listed", "candidates", "offered"]
    inlines = [SetInline]
    actions_detail = ["add_price"]
    has_delete_permission = never  # records point at it, and its price can be cleared

    def get_queryset(self, request):
        """With `is_priced`, all prices and the catalogue's entry."""
        return Model.objects.with_prices(timezone.localdate()).select_related("catalogue")

    def get_readonly_fields(self, request, obj=None):
        """An existing model keeps its name: records say it."""
        return [*self.readonly_fields, "name"] if obj else self.readonly_fields

    @action(description=_("Set a price"), url_path="set-price", icon="add", permissions=["change"])
    def add_price(self, request, object_id):
        """The form of a new price set of this model."""
        return redirect(f"{reverse('admin:pricing_priceset_add')}?{urlencode({'model': object_id})}")

    @display(description=_("Price"), ordering="is_priced", label=SOURCES)
    def source(self, model):
        """The origin of today's price."""
        price_set = model.set_in_force(timezone.localdate())
        origin = price_set.origin if price_set else "unpriced"
        return origin, gettext(origin)

    @display(description=_("Today (USD per million)"))
    def rates(self, model):
        """The standard card of today."""
        price_set = model.set_in_force(timezone.localdate())
        card = price_set and price_set.base
        return _line(card) if card else "–"

    @display(description=_("Catalogue"))
    def listed(self, model):
        """The catalogue's entry, or the reason why there is none."""
        entry = getattr(model, "catalogue", None)
        note = gettext(". Corrected figures are offered.") if entry and entry.corrects else ""
        return f"{entry}{note}" if entry else _("not asked yet")

    @display(description=_("Taking the catalogue's price would change"))
    def offered(self, model):
        """The effect on past costs."""
        entry = getattr(model, "catalogue", None)
        if not entry or not entry.sets:
            return "–"
        total = model.effect_of(Model.take_catalogue).total
        if total.cost_before == total.cost_after:
            return _("no cost of the past")
        costs = {"before": usd(total.cost_before), "after": usd(total.cost_after)}
        return _("past costs from %(before)s to %(after)s") % costs


def _line(card: RateCard) -> str:
    """A card in a few words, in USD per million tokens."""
    rates = ((text, getattr(card, name)) for name, text in RATES.items())
    parts = [text % shown_rate(rate) for text, rate in rates if rate is not None]
    if card.request:
        parts.append(_("$%s a request") % shown_rate(card.request, PICO))
    price = ", ".join(parts)
    return f"{card}: {price}" if card.tier or card.context_over or card.hours else price
