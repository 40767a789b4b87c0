"""What changes list prices for some usage: resellers' factors and fees, and which seller a route leads to."""

import math
from collections.abc import Sequence
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext

from pricing.models.constraints import one_a_day
from pricing.models.scopes import BY_HAND, VALUE_HELP, checked_value
from pricing.models.sets import FEE_VALIDATORS, first_day
from pricing.rates import MOST, MOST_FEE, Rates

MOST_FACTOR = 1000
FACTOR_VALIDATORS = [MinValueValidator(0), MaxValueValidator(MOST_FACTOR)]


class Adjustment(models.Model):
    """A factor on every rate, and a fee for each success, of a provider, an account or a client key.

    Holds from a local date on until the next one of the same scope and value; a factor of 1 without a fee ends it.
    All that apply to a request multiply, and their fees add up.
    """

    scope = models.CharField(max_length=16, choices=BY_HAND)
    value = models.CharField(max_length=255, help_text=VALUE_HELP)
    valid_from = first_day()
    factor = models.DecimalField(
        max_digits=10,
        decimal_places=6,
        default=Decimal(1),
        validators=FACTOR_VALIDATORS,
        help_text="What every rate is multiplied by: 0.3 is 30% of the list price.",
    )
    request = models.BigIntegerField(
        default=0, validators=FEE_VALIDATORS, help_text="Pico-USD for each successful request."
    )
    note = models.CharField(max_length=255, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["scope", "value", models.F("valid_from").asc(nulls_first=True)]
        constraints = one_a_day(
            ["scope", "value"], ("one_adjustment_a_day", "one_adjustment_for_always"), "It has an adjustment"
        )

    def __str__(self):
        whose = gettext(" for %s") % f"{self.get_scope_display()} {self.value}"
        return f"× {self.factor.normalize():f}{whose}"

    def clean(self):
        """The value as records name it."""
        self.value = checked_value(self.scope, self.value, "value")


def adjusted(rates: Rates, adjustments: Sequence[Adjustment]) -> Rates:
    """The rates times all factors, each rounded half-even to a whole pico-USD; the fees are added to the list's."""
    factor = math.prod(each.factor for each in adjustments)
    found = Rates(*(min(round(rate * factor), MOST) for rate in rates))
    fee = round(rates.request * factor) + sum(each.request for each in adjustments)
    return found._replace(request=min(fee, MOST_FEE))


class Route(models.Model):
    """Which of the catalogue's sellers an account of a provider leads to, as far as its address or name says."""

    provider = models.CharField(max_length=255, blank=True)
    auth_index = models.CharField(max_length=255, blank=True)
    seller = models.CharField(max_length=64, help_text="The catalogue's id of the provider.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "auth_index"], name="one_seller_a_route")]

    def __str__(self):
        return f"{self.provider} {self.auth_index}: {self.seller}"
