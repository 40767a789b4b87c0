"""What the body of a price change may hold."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cpa_usage.http.fields import TextField
from pricing.models.sets import DAY_VALIDATORS
from pricing.rates import MOST_USD_PER_MILLION, checked_pico

# The sentences of checked_pico, which knows nothing of languages.
gettext_noop("A rate is a finite number.")
gettext_noop("A rate is never negative.")
gettext_noop("A rate is at most 10,000 USD per million tokens.")


@extend_schema_field({"type": "number", "minimum": 0, "maximum": MOST_USD_PER_MILLION})
class RateField(serializers.Field):
    """A JSON number of USD per million tokens; its value is pico-USD per token."""

    def to_internal_value(self, data):
        """Refuses numbers written as text, true and false, and impossible rates."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError(_("A number is needed."))
        try:
            return checked_pico(data)
        except ValueError as error:
            raise serializers.ValidationError(_(str(error))) from error


class ModelName(serializers.Serializer):
    """Which model is meant."""

    model = TextField(max_length=255, help_text="As upstreams bill it; may hold slashes.")


class RatesBody(serializers.Serializer):
    """A price for every tier and context size; absent numbers are 0, absent cache writes cost what the prompt costs."""

    prompt_price_per_1m = RateField(source="prompt", default=0)
    completion_price_per_1m = RateField(source="completion", default=0)
    cache_price_per_1m = RateField(source="cache_read", default=0)
    cache_write_price_per_1m = RateField(source="cache_write", default=None, allow_null=True)
    reasoning_price_per_1m = RateField(source="reasoning", default=None, allow_null=True)
    valid_from = serializers.DateField(
        default=None, allow_null=True, input_formats=["%Y-%m-%d"], validators=DAY_VALIDATORS
    )


RATES = {name: field.source for name, field in RatesBody().fields.items() if isinstance(field, RateField)}


class PriceBody(ModelName, RatesBody):
    """A model and its price."""
