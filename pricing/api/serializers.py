"""What the body of a price change may hold."""

from decimal import Decimal

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cpa_usage.http.fields import TextField
from pricing.hours import minute_of
from pricing.models import RateCard, Tier
from pricing.models.scopes import BY_HAND, VALUE_HELP, checked_value
from pricing.models.sets import DAY_VALIDATORS, check_cards
from pricing.rates import MOST_USD_PER_MILLION, MOST_USD_PER_REQUEST, checked_fee, checked_pico, usd, usd_per_million

MOST_CARDS = 200


class NumberField(serializers.Field):
    """A JSON number: no text, and neither true nor false."""

    def to_internal_value(self, data):
        """The number as it is."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError(_("A number is needed."))
        return data


class DecimalField(NumberField):
    """A JSON number as a Decimal, rounded to so many places; one above `most` stays as it is, for a validator."""

    most, places = 0, 0

    def to_internal_value(self, data):
        """Refuses what is infinite or no number, too."""
        if not abs(super().to_internal_value(data)) < float("inf"):
            raise serializers.ValidationError(_("A number is needed."))
        amount = Decimal(repr(data))
        return amount if abs(amount) > self.most else round(amount, self.places)


class FromDay(serializers.Serializer):
    """The local date from which on something holds; what null means, each body says."""

    valid_from = serializers.DateField(
        default=None,
        allow_null=True,
        input_formats=["%Y-%m-%d"],
        validators=DAY_VALIDATORS,
        help_text="The local day on which it begins.",
    )


@extend_schema_field({"type": "number", "minimum": 0, "maximum": MOST_USD_PER_MILLION})
class RateField(NumberField):
    """A JSON number of USD per million tokens; its value is pico-USD per token."""

    checked, shown = staticmethod(checked_pico), staticmethod(usd_per_million)

    def to_internal_value(self, data):
        """Refuses impossible rates."""
        number = super().to_internal_value(data)
        try:
            return self.checked(number)
        except ValueError as error:
            raise serializers.ValidationError(_(str(error))) from error


class ModelName(serializers.Serializer):
    """Which model is meant."""

    model = TextField(max_length=255, help_text="The model's name as the upstream bills it; it may contain slashes.")


@extend_schema_field({"type": "number", "minimum": 0, "maximum": MOST_USD_PER_REQUEST})
class RequestPriceField(RateField):
    """A JSON number of USD for each successful request; its value is pico-USD."""

    checked, shown = staticmethod(checked_fee), staticmethod(usd)


@extend_schema_field({"type": "string", "pattern": "^([01]?[0-9]|2[0-4]):(00|15|30|45)$"})
class ClockField(serializers.Field):
    """A time of the day in UTC as HH:MM, on a quarter of an hour; its value is the minute of the day."""

    def to_internal_value(self, data):
        """24:00 is the end of the day."""
        try:
            return minute_of(data if isinstance(data, str) else "")
        except ValueError as error:
            raise serializers.ValidationError(_(str(error))) from error


class RateFields(serializers.Serializer):
    """Absent numbers are 0; absent cache writes cost what the prompt does, those for an hour what the others do."""

    prompt_price_per_1m = RateField(source="prompt", default=0)
    completion_price_per_1m = RateField(source="completion", default=0)
    cache_price_per_1m = RateField(source="cache_read", default=0)
    cache_write_price_per_1m = RateField(source="cache_write", default=None, allow_null=True)
    cache_write_1h_price_per_1m = RateField(source="cache_write_1h", default=None, allow_null=True)
    reasoning_price_per_1m = RateField(source="reasoning", default=None, allow_null=True)
    request_price = RequestPriceField(
        source="request", default=None, allow_null=True, help_text="USD for each successful request."
    )


RATES = {name: field for name, field in RateFields().fields.items() if isinstance(field, RateField)}


class CardBody(RateFields):
    """The rates of one tier and context size, at some hours of the UTC day or all."""

    tier = serializers.ChoiceField(Tier.choices, default=Tier.STANDARD, allow_blank=True)
    context_over = serializers.IntegerField(default=0, min_value=0, max_value=10**9)
    hours_from = ClockField(default=None, allow_null=True, help_text="UTC, as HH:MM; absent: all day.")
    hours_to = ClockField(default=None, allow_null=True, help_text="UTC, perhaps of the next day.")


class ScopeFields(serializers.Serializer):
    """Whose usage is meant; neither field: all."""

    scope = serializers.ChoiceField(BY_HAND, default="", allow_blank=True, help_text="Absent: all usage of the model.")
    scope_value = TextField(max_length=255, default="", allow_blank=True, help_text=VALUE_HELP)

    def validate(self, attrs):
        """Refuses one without the other, and masks of keys."""
        attrs["scope_value"] = checked_value(attrs["scope"], attrs["scope_value"], "scope_value")
        return attrs


class RatesBody(ScopeFields, FromDay, RateFields):
    """A price for every tier and context size, or a card for each of them."""

    cards = serializers.ListField(child=CardBody(), default=None, allow_null=True, max_length=MOST_CARDS)

    def validate_cards(self, cards):
        """Refuses cards that collide, or leave a request without a price."""
        if cards is not None:
            check_cards([RateCard(**card) for card in cards])
        return cards

    def validate(self, attrs):
        """Refuses rates both within cards and without."""
        if attrs["cards"] is not None and RATES.keys() & self.initial_data.keys():
            raise serializers.ValidationError({"cards": _("Give the rates in the cards alone.")})
        return super().validate(attrs)


class PriceBody(ModelName, RatesBody):
    """A model and its price."""


class ScopedModel(ModelName, ScopeFields):
    """Which price of a model is meant."""
