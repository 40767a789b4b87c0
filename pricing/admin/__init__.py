"""Models and what they cost, in the admin. Every change is shown with its effect on past costs before it is saved."""

from urllib.parse import urlencode

from django.contrib import admin
from django.db import transaction
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from cpa_usage.admin.changelists import LastSeenList
from pricing.admin.bulk import BulkPricing
from pricing.admin.confirming import Confirmed, rehearsed, usd
from pricing.admin.filters import Offered, Priced
from pricing.admin.forms import PriceSetForm, RateCardForm, RateCards, shown_rate
from pricing.models import Model, Origin, PriceSet, RateCard, Tier
from pricing.precedence import day_number, set_on, sets_in_force

SOURCES = {"unpriced": "danger", "manual": "info", "catalogue": "success"}


class CardInline(TabularInline):
    """Rates in USD per million tokens."""

    model = RateCard
    form, formset = RateCardForm, RateCards
    extra = 0
    min_num = 1
    verbose_name_plural = "Rate cards (USD per million tokens; an empty rate is the one it derives from)"

    def has_change_permission(self, request, obj=None):
        """The catalogue's cards are the catalogue's."""
        return obj is None or obj.is_manual


class SetInline(TabularInline):
    """A model's sets, to go to."""

    model = PriceSet
    fields = ["valid_from", "origin", "state", "rates", "matched", "note"]
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True
    verbose_name_plural = "Price sets"

    def get_queryset(self, request):
        """With everything a row shows."""
        return super().get_queryset(request).prefetch_related("cards", "model__price_sets")

    def has_add_permission(self, request, obj=None):
        """Made on a page of its own."""
        return False

    @display(description="State")
    def state(self, price_set):
        """Whether it prices anything."""
        return price_set.state

    @display(description="Rates (USD per million)")
    def rates(self, price_set):
        """Every card in a line."""
        return format_html_join(mark_safe("<br>"), "{}", ((_line(card),) for card in price_set.cards.all()))


@admin.register(Model)
class ModelsAdmin(BulkPricing, ModelAdmin):
    """Models & rate cards: the unpriced first, then the busiest."""

    list_display = ["name", "source", "rates", "requests", "tokens", "last_seen", "listed"]
    list_filter = [Priced, Offered]
    search_fields = ["name"]
    fields = ["name", "listed", "offered"]
    readonly_fields = ["listed", "offered"]
    inlines = [SetInline]
    actions_detail = ["add_price"]
    list_per_page = 100
    show_full_result_count = False

    def get_queryset(self, request):
        """Counted and priced, with what the catalogue says."""
        return Model.objects.counted(timezone.localdate())

    def get_changelist(self, request, **kwargs):
        """A list that tells when each was last seen."""
        return LastSeenList

    def get_ordering(self, request):
        """What costs unknown money comes first."""
        return ["is_priced", "-requests", "name"]

    def get_readonly_fields(self, request, obj=None):
        """A name is what upstreams say: once there, it stays."""
        return [*self.readonly_fields, "name"] if obj else self.readonly_fields

    def has_delete_permission(self, request, obj=None):
        """Records point at it; its price can be cleared."""
        return False

    def view_on_site(self, model):
        """The dashboard's view of it."""
        return f"{reverse('overview')}?{urlencode({'range': '30d', 'model': model.name})}"

    @action(description="Set a price", url_path="set-price", icon="add", permissions=["change"])
    def add_price(self, request, object_id):
        """A new set of this model, on its own page."""
        return redirect(f"{reverse('admin:pricing_priceset_add')}?{urlencode({'model': object_id})}")

    @display(description="Price", ordering="is_priced", label=SOURCES)
    def source(self, model):
        """Where today's price comes from."""
        price_set = _today(model)
        return price_set.origin if price_set else "unpriced"

    @display(description="Today (USD per million)")
    def rates(self, model):
        """The standard card of today."""
        price_set = _today(model)
        card = price_set and price_set.card_for(Tier.STANDARD, 0)
        return _line(card) if card else "–"

    @display(description="Requests", ordering="requests")
    def requests(self, model):
        """Attempts ever counted."""
        return f"{model.requests:,}"

    @display(description="Tokens", ordering="tokens")
    def tokens(self, model):
        """As CPA counts them."""
        return f"{model.tokens:,}"

    @display(description="Last seen", ordering="last_month")
    def last_seen(self, model):
        """The local day, or the month when it is long ago."""
        return format_html('<span class="whitespace-nowrap">{}</span>', model.last_seen)

    @display(description="Catalogue")
    def listed(self, model):
        """What it was matched with, or why with nothing."""
        entry = getattr(model, "catalogue", None)
        note = ". Corrected figures are offered." if entry and entry.corrects else ""
        return f"{entry}{note}" if entry else "not asked yet"

    @display(description="Taking the catalogue's price would change")
    def offered(self, model):
        """The effect of taking what the catalogue says now."""
        entry = getattr(model, "catalogue", None)
        if not entry or not entry.sets:
            return "–"
        total = model.effect_of(Model.take_catalogue).total
        return f"past costs from {usd(total.cost_before)} to {usd(total.cost_after)}"


@admin.register(PriceSet)
class PriceSetAdmin(Confirmed, ModelAdmin):
    """One set with its cards: the catalogue's to look at, a manual one to change."""

    form = PriceSetForm
    inlines = [CardInline]
    list_display = ["model", "valid_from", "origin", "matched", "note", "updated_at"]
    list_filter = ["origin"]
    list_select_related = ["model"]
    search_fields = ["model__name"]
    autocomplete_fields = ["model"]
    list_per_page = 100
    show_full_result_count = False

    def get_readonly_fields(self, request, obj=None):
        """A set stays its model's."""
        return ["model"] if obj else []

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Any model, by name: the list's own order needs counts that a choice does not."""
        return super().formfield_for_foreignkey(db_field, request, **{"queryset": Model.objects.all()} | kwargs)

    def has_change_permission(self, request, obj=None):
        """The catalogue's sets change with the catalogue."""
        return obj is None or obj.is_manual

    def has_delete_permission(self, request, obj=None):
        """The same."""
        return self.has_change_permission(request, obj)

    def get_deleted_objects(self, objs, request):
        """Only manual sets can be deleted, wherever they were chosen."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, lacking, [*protected, *(str(s) for s in objs if not s.is_manual)]

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """A form that could be saved is answered with its effect first."""

        def save():
            return super(PriceSetAdmin, self).changeform_view(request, object_id, form_url, extra_context)

        request.rehearsing = request.method == "POST" and not self.confirmed(request)
        if not request.rehearsing:
            return save()
        book, refusal = rehearsed(save)
        if book is None:
            return refusal
        model = request.price_set.model
        return self.ask(request, model.series.effect_of(book), f"What this does to the costs of {model}")

    def save_model(self, request, obj, form, change):
        """Saved with its cards, below: one change, costed once."""

    def save_formset(self, request, form, formset, change):
        """The set and its cards, in one change of the model's prices."""
        request.price_set = form.instance
        form.instance.model.rehearsing = request.rehearsing
        form.instance.model.put_set(form.instance, formset.cards())
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def delete_model(self, request, obj):
        """History follows."""
        obj.model.drop_set(obj)

    def delete_queryset(self, request, queryset):
        """History follows each."""
        with transaction.atomic():
            for price_set in queryset.filter(origin=Origin.MANUAL).select_related("model"):
                price_set.model.drop_set(price_set)


def _today(model):
    """The set in force today, of sets that were read with the model."""
    sets = list(model.price_sets.all())
    return set_on(sets_in_force(sets, model.catalogue_blocked), day_number(timezone.localdate()))


def _line(card: RateCard) -> str:
    """A card in a few words."""
    over = f" over {card.context_over:,}" if card.context_over else ""
    tier = f"{card.tier or ('standard' if over else '')}{over}"
    rates = {"cache read": card.cache_read, "write": card.cache_write, "reasoning": card.reasoning}
    more = "".join(f", {name} {shown_rate(rate)}" for name, rate in rates.items() if rate is not None)
    price = f"{shown_rate(card.prompt)} in, {shown_rate(card.completion)} out{more}"
    return f"{tier}: {price}" if tier else price
