"""Models in the admin: their price of today and what the catalogue says. Usage adds its own columns to the list."""

from functools import reduce
from operator import add
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display

from cpa_usage.admin.rows import never
from pricing.admin.confirming import Confirmed, PriceAdmin, usd
from pricing.admin.forms import SourceForm, shown_rate
from pricing.models import Model, PriceSet, RateCard
from pricing.rates import PICO

FORGET = _("Forget the choice of %s")
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
        """Filter by the annotation `is_priced`."""
        return queryset.filter(is_priced=self.value() == "yes") if self.value() else queryset


class Offered(admin.SimpleListFilter):
    """Models whose past costs the catalogue would correct."""

    title, parameter_name = _("correction"), "offered"

    def lookups(self, request, model_admin):
        """The only value of `?offered=`."""
        return [("yes", _("offered by the catalogue"))]

    def queryset(self, request, queryset):
        """Filter by the entry of the last look-up."""
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
        """Whose usage the set is for."""
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
class ModelAdmin(Confirmed, PriceAdmin):
    """Models are never deleted, because records point at them. Each change of their prices shows its effect first."""

    list_filter = [Priced, Offered]
    search_fields = ["name"]
    fields = ["name", "listed", "candidates", "offered"]
    readonly_fields = ["listed", "candidates", "offered"]
    inlines = [SetInline]
    actions = ["take_from_catalogue", "copy_rates", "clear"]
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

    @display(description=_("Candidates in the catalogue"))
    def candidates(self, model):
        """A link to choose each, after one to forget the choice that was made."""
        entry = getattr(model, "catalogue", None)
        if entry is None:
            return "–"
        page = reverse("admin:pricing_model_choose", args=[model.pk])
        links = [(page, FORGET % entry.chosen)] if entry.chosen else []
        links += [(f"{page}?{urlencode({'entry': each.matched})}", each.matched) for each in entry.listing.candidates]
        return format_html_join(mark_safe("<br>"), '<a href="{}">{}</a>', links) or "–"

    @action(description=_("Take the catalogue's price"), permissions=["change"])
    def take_from_catalogue(self, request, queryset):
        """Delete manual prices of these models and cost all their history by the catalogue."""
        listed = [model for model in queryset if getattr(model, "catalogue", None) and model.catalogue.sets]
        missing = [model for model in queryset if model not in listed]
        skipped = [_("The catalogue has no price for %s: it stays as it is.") % model for model in missing]
        return self._change(request, listed, Model.take_catalogue, _("Take the catalogue's price"), skipped)

    @action(description=_("Copy rates of another model"), permissions=["change"])
    def copy_rates(self, request, queryset):
        """Price these models by hand, as another model is priced today."""
        form = SourceForm(request.POST if "source" in request.POST else None)
        if not form.is_valid():
            return self.page(request, "source.html", _("Copy rates"), {"form": form}, but=["source"])
        source = form.cleaned_data["source"]
        others = [model for model in queryset if model != source]
        return self._change(request, others, lambda model: model.copy_price(source), _("Copy the rates of %s") % source)

    @action(description=_("Clear the price"), permissions=["change"])
    def clear(self, request, queryset):
        """Leave these models unpriced until a price is set or taken again."""
        return self._change(request, list(queryset), Model.clear_price, _("Clear the price"))

    def _change(self, request, models, change, title, skipped=()):
        if not models:
            messages.warning(request, " ".join(skipped) or _("There is nothing to change."))
            return None
        if not self.confirmed(request):
            effect = reduce(add, (model.effect_of(change) for model in models))
            return self.ask(request, effect, f"{title}: {_named(models)}", skipped)
        with transaction.atomic():
            for model in models:
                change(model)
        messages.success(request, _("%(title)s: done for %(names)s.") % {"title": title, "names": _named(models)})
        return None

    def get_urls(self):
        """The page's address before those of the list."""
        chosen = path("<int:pk>/choose/", self.admin_site.admin_view(self.choose), name="pricing_model_choose")
        return [chosen, *super().get_urls()]

    def choose(self, request, pk):
        """Show what choosing `?entry=` changes, or forgetting the choice without one; do it once it is confirmed."""
        model, matched = get_object_or_404(Model, pk=pk), request.GET.get("entry", "")
        if not self.has_change_permission(request, model):
            raise PermissionDenied
        title = _("Price %(model)s as %(entry)s") % {"model": model, "entry": matched} if matched else FORGET % model
        try:
            if not self.confirmed(request):
                return self.ask(request, model.effect_of(lambda each: _choose(each, matched)), title)
            _choose(model, matched)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("%s: done.") % title)
        return redirect("admin:pricing_model_change", pk)


def _line(card: RateCard) -> str:
    """A card in a few words, in USD per million tokens."""
    rates = ((text, getattr(card, name)) for name, text in RATES.items())
    parts = [text % shown_rate(rate) for text, rate in rates if rate is not None]
    if card.request:
        parts.append(_("$%s a request") % shown_rate(card.request, PICO))
    price = ", ".join(parts)
    return f"{card}: {price}" if card.tier or card.context_over or card.hours else price


def _named(models):
    shown = ", ".join(str(model) for model in models[:5])
    return shown if len(models) <= 5 else _("%(names)s and %(count)s more") % {"names": shown, "count": len(models) - 5}


def _choose(model, matched):
    model.choose(matched) if matched else model.forget_choice()
