"""Changes of many models' prices at once, in the admin: each is shown with its effect first."""

from functools import reduce
from operator import add

from django import forms
from django.contrib import messages
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from pricing.admin.confirming import Confirmed
from pricing.models import Model


class SourceForm(forms.Form):
    """The model that rates are copied from: any that is priced today."""

    source = forms.ModelChoiceField(
        Model.objects.none(), label=_("Copy today's rates of"), widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args):
        super().__init__(*args)
        self.fields["source"].queryset = Model.objects.with_prices(timezone.localdate()).filter(is_priced=True)


class BulkPricing(Confirmed):
    """The actions of the list of models."""

    actions = ["take_from_catalogue", "copy_rates", "clear"]

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


def _named(models):
    shown = ", ".join(str(model) for model in models[:5])
    return shown if len(models) <= 5 else _("%(names)s and %(count)s more") % {"names": shown, "count": len(models) - 5}
