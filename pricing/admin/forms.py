"""Forms of prices, in USD per million tokens."""

from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from pricing.hours import minute_of, shown_minute
from pricing.models import Adjustment, Model, Origin, PriceSet, RateCard, Scope
from pricing.models.adjusting import adjustments_of
from pricing.models.scopes import BY_HAND, checked_value
from pricing.models.sets import check_cards
from pricing.rates import PICO, PICO_PER_MICRO, checked_fee, checked_pico


class UsdPerMillion(forms.DecimalField):
    """A rate in USD per million tokens; its value is in pico-USD per token."""

    widget = UnfoldAdminDecimalFieldWidget
    checked, pico = staticmethod(checked_pico), PICO_PER_MICRO

    def __init__(self, **kwargs):
        super().__init__(decimal_places=6, **kwargs)

    def prepare_value(self, value):
        """A stored rate in USD per million; typed text stays as it is."""
        return shown_rate(value, self.pico) if isinstance(value, int) else value

    def clean(self, value):
        """Pico-USD per token, or None for an empty optional rate."""
        amount = super().clean(value)
        try:
            return None if amount is None else self.checked(amount)
        except ValueError as error:
            raise ValidationError(_(str(error))) from error


class UsdPerRequest(UsdPerMillion):
    """A fee in USD for each success; its value is in pico-USD."""

    checked, pico = staticmethod(checked_fee), PICO


class Clock(forms.CharField):
    """A time of the UTC day as 16:30; its value is the minute of the day, or None."""

    widget = UnfoldAdminTextInputWidget(attrs={"placeholder": "16:30", "size": 5})

    def prepare_value(self, value):
        """A stored minute as HH:MM; typed text stays as it is."""
        return shown_minute(value) if isinstance(value, int) else value

    def clean(self, value):
        """Refuses what is no time on a quarter of an hour."""
        text = super().clean(value)
        try:
            return minute_of(text) if text else None
        except ValueError as error:
            raise ValidationError(_(str(error))) from error


class RateCardForm(forms.ModelForm):
    """One card; the empty rates are the ones they derive from."""

    hours_from = Clock(label=_("From hour (UTC)"), required=False)
    hours_to = Clock(label=_("To hour (UTC)"), required=False)
    prompt = UsdPerMillion(label=_("Prompt"))
    completion = UsdPerMillion(label=_("Completion"))
    cache_read = UsdPerMillion(label=_("Cache read"), required=False)
    cache_write = UsdPerMillion(label=_("Cache write"), required=False)
    cache_write_1h = UsdPerMillion(label=_("Cache write for 1 hour"), required=False)
    reasoning = UsdPerMillion(label=_("Reasoning"), required=False)
    request = UsdPerRequest(label=_("Fee per success (USD)"), required=False)

    class Meta:
        model = RateCard
        fields = [
            *("tier", "context_over", "hours_from", "hours_to", "prompt", "completion", "cache_read", "cache_write"),
            *("cache_write_1h", "reasoning", "request"),
        ]


class RateCards(forms.BaseInlineFormSet):
    """The cards of a set, checked together."""

    def cards(self) -> list[RateCard]:
        """Unsaved cards as they stand in the form."""
        kept = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        return [RateCard(**{name: data[name] for name in RateCardForm.Meta.fields}) for data in kept]

    def clean(self):
        """Refuses two cards of one tier and context size, and a tier without a card over 0 tokens."""
        super().clean()
        if not any(self.errors):
            try:
                check_cards(self.cards())
            except ValidationError as error:
                raise ValidationError(error.messages) from error


class PriceSetForm(forms.ModelForm):
    """A manual set: its model, whose usage it is for, first day and note."""

    class Meta:
        model = PriceSet
        fields = ["model", "scope", "scope_value", "valid_from", "note"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "scope" in self.fields:
            self.fields["scope"].choices = [(Scope.EVERYTHING.value, Scope.EVERYTHING.label), *BY_HAND]

    def clean(self):
        """Refuses a second manual set of the same usage that begins on the same day."""
        cleaned = super().clean()
        scope = cleaned.get("scope", "")
        value = checked_value(scope, cleaned.get("scope_value", ""), "scope_value")
        model, day = cleaned.get("model") or self.instance.model_id, cleaned.get("valid_from")
        same = PriceSet.objects.filter(model=model, origin=Origin.MANUAL, scope=scope, scope_value=value)
        if "valid_from" in cleaned and same.filter(valid_from=day).exclude(pk=self.instance.pk).exists():
            self.add_error("valid_from", _("The model has a price from this day on already: change that one."))
        return cleaned


class AdjustmentForm(forms.ModelForm):
    """A factor and a fee of some usage, from a day on."""

    request = UsdPerRequest(label=_("Fee per success (USD)"), required=False, help_text=_("Empty: none."))

    class Meta:
        model = Adjustment
        fields = ["scope", "value", "valid_from", "factor", "request", "note"]

    def clean_request(self):
        """No fee is one of 0."""
        return self.cleaned_data["request"] or 0

    def clean(self):
        """Refuses a second one of the same usage that begins on the same day."""
        cleaned = super().clean()
        scope = cleaned.get("scope") or self.instance.scope
        value = checked_value(scope, cleaned.get("value") or self.instance.value, "value")
        same_day = adjustments_of(scope, value).filter(valid_from=cleaned.get("valid_from"))
        if "valid_from" in cleaned and same_day.exclude(pk=self.instance.pk).exists():
            self.add_error("valid_from", _("It has an adjustment from this day on already: change that one."))
        return cleaned


class SourceForm(forms.Form):
    """The model that rates are copied from: any that is priced today."""

    source = forms.ModelChoiceField(
        Model.objects.none(), label=_("Copy today's rates of"), widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args):
        super().__init__(*args)
        self.fields["source"].queryset = Model.objects.with_prices(timezone.localdate()).filter(is_priced=True)


def shown_rate(pico: int, unit: int = PICO_PER_MICRO) -> str:
    """A stored rate in USD per million tokens (or, with PICO, a fee in USD), without trailing zeros."""
    return f"{(Decimal(pico) / unit).normalize():f}"
