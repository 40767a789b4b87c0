"""Price sets in the admin: the catalogue's are read-only, manual ones can be changed."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from pricing.admin.confirming import Confirmed, PriceAdmin, Unconfirmed
from pricing.admin.forms import PriceSetForm, RateCardForm, RateCards
from pricing.models import Model, PriceSet, RateCard


def _shown(name, field):
    """A read-only column of a rate, as its form field shows it: in USD, where the card holds integers."""

    @display(description=field.label)
    def rate(card):
        return field.prepare_value(getattr(card, name))

    return rate


_RATES = {name: _shown(name, field) for name, field in RateCardForm.declared_fields.items()}
SHOWN = [_RATES.get(name, name) for name in RateCardForm.Meta.fields]


def _by_hand(admin, request, obj=None) -> bool:
    """For a has_…_permission: manual sets only, for the catalogue's change with the catalogue."""
    return obj is None or obj.is_manual


class CardInline(TabularInline):
    """Rates in USD per million tokens."""

    model = RateCard
    form, formset = RateCardForm, RateCards
    extra = 0
    min_num = 1
    has_change_permission = _by_hand
    verbose_name_plural = _(
        "Rate cards (USD per million tokens; an empty rate is the one it derives from; hours in UTC)"
    )

    def get_fields(self, request, obj=None):
        """Rates that cannot be changed are shown, like the others, as their fields would have them."""
        return RateCardForm.Meta.fields if self.has_change_permission(request, obj) else SHOWN

    def get_readonly_fields(self, request, obj=None):
        """None while the cards can be changed."""
        return () if self.has_change_permission(request, obj) else SHOWN


@admin.register(PriceSet)
class PriceSetAdmin(Confirmed, PriceAdmin):
    """One set with its cards. A set stays with its model."""

    form = PriceSetForm
    inlines = [CardInline]
    list_display = ["model", "whose", "valid_from", "origin", "matched", "note", "updated_at"]
    list_filter = ["origin", "scope"]
    list_select_related = ["model"]
    search_fields = ["model__name", "scope_value"]
    autocomplete_fields = ["model"]
    has_change_permission = has_delete_permission = _by_hand

    def get_readonly_fields(self, request, obj=None):
        """An existing set stays with its model."""
        return ["model"] if obj else []

    @display(description=_("For"), ordering="scope")
    def whose(self, price_set):
        """Whose usage it is for."""
        return price_set.whose

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Any model, by name: the list of models is ordered by an annotation that a choice does not have."""
        return super().formfield_for_foreignkey(db_field, request, **{"queryset": Model.objects.all()} | kwargs)

    def get_deleted_objects(self, objs, request):
        """Protects the catalogue's sets among those chosen in the list."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, lacking, [*protected, *(str(s) for s in objs if not s.is_manual)]

    def save_model(self, request, obj, form, change):
        """Nothing yet: save_formset saves the set with its cards, so that history is costed once."""

    def save_formset(self, request, form, formset, change):
        """Save the set with its cards: one change of the model's prices."""
        price_set, cards = form.instance, formset.cards()
        if not self.confirmed(request):
            model = price_set.model
            title = _("What this does to the costs of %(whose)s") % {"whose": model}
            raise Unconfirmed(title, lambda: model.effect_of(lambda copy: copy.put_set(price_set, cards)))
        price_set.model.put_set(price_set, cards)
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def delete_model(self, request, obj):
        """Delete the set and re-cost its days."""
        obj.model.drop_set(obj)
