"""Forms of prices, in USD per million tokens."""

from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from pricing.models import Origin, PriceSet, RateCard
from pricing.models.sets import check_cards
from pricing.rates import PICO_PER_MICRO, checked_pico


class UsdPerMillion(forms.DecimalField):
    """A rate in USD per million tokens; its value is in pico-USD per token."""

    widget = UnfoldAdminDecimalFieldWidget

    def __init__(self, **kwargs):
        super().__init__(decimal_places=6, **kwargs)

    def prepare_value(self, value):
        """A stored rate in USD per million; typed text stays as it is."""
        return shown_rate(value) if isinstance(value, int) else value

    def clean(self, value):
        """Pico-USD per token, or None for an empty optional rate."""
        amount = super().clean(value)
        try:
            return None if amount is None else checked_pico(amount)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class RateCardForm(forms.ModelForm):
    """One card; the empty rates are the ones they derive from."""

    prompt = UsdPerMillion(label="Prompt")
    completion = UsdPerMillion(label="Completion")
    cache_read = UsdPerMillion(label="Cache read", required=False)
    cache_write = UsdPerMillion(label="Cache write", required=False)
    reasoning = UsdPerMillion(label="Reasoning", required=False)

    class Meta:
        model = RateCard
        fields = ["tier", "context_over", "prompt", "completion", "cache_read", "cache_write", "reasoning"]


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
    """A manual set: its model, first day and note."""

    class Meta:
        model = PriceSet
        fields = ["model", "valid_from", "note"]

    def clean_valid_from(self):
        """Refuses a second manual set that begins on the same day."""
        day, model = self.cleaned_data["valid_from"], self.cleaned_data.get("model") or self.instance.model_id
        same_day = PriceSet.objects.filter(model=model, origin=Origin.MANUAL, valid_from=day)
        if same_day.exclude(pk=self.instance.pk).exists():
            raise ValidationError("The model has a price from this day on already: change that one.")
        return day


def shown_rate(pico_per_token: int) -> str:
    """A stored rate in USD per million tokens, without trailing zeros."""
    return f"{(Decimal(pico_per_token) / PICO_PER_MICRO).normalize():f}"
