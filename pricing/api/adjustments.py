"""Factors and fees of providers, accounts and client keys over HTTP: read them, set one, take some away."""

from datetime import date, datetime
from typing import Annotated

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from msgspec import Meta, Struct, convert
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.response import Response

from cpa_usage.http import lists, rest
from cpa_usage.http.fields import TextField
from cpa_usage.http.lists import Listing, ListQuery, totals_of
from pricing.api.serializers import DecimalField, FromDay, RequestPriceField
from pricing.api.shapes import PriceChanged
from pricing.models import Adjustment, Revision, adjusting
from pricing.models.adjustments import FACTOR_VALIDATORS, MOST_FACTOR
from pricing.models.scopes import BY_HAND, VALUE_HELP, checked_value
from pricing.precedence import begins
from pricing.rates import usd

SET = "Set a factor or a fee"
CLEAR = "Remove factors and fees"
ABOUT_SET = """What a provider, an account or a client key is billed in place of list prices: every rate times `factor`,
and `request_price` for each success on top. Without `valid_from` the one in force today is changed, or, where there is
none, made for all history; with it one begins on that local day. A factor of 1 without a fee ends it. Of several that
apply to a request the factors multiply and the fees add up. History is costed again."""
ABOUT_CLEAR = """With `valid_from` only the one that begins on that day is removed, else all of the provider, account or
client key. It is no error when there is nothing to remove."""


class DatedAdjustment(Struct, frozen=True):
    """What some usage is billed in place of list prices, from a local date on."""

    scope: Annotated[str, Meta(description="provider, account or api_key.")]
    value: Annotated[str, Meta(description="The provider, account, or key_id of the client key.")]
    valid_from: Annotated[date | None, Meta(description="Local date; null: always.")]
    factor: Annotated[float, Meta(description="What every rate is multiplied by.")]
    request_price: Annotated[float, Meta(description="USD for each successful request.")]
    note: str
    in_force: Annotated[bool, Meta(description="Whether it applies to requests of today.")]
    updated_at: datetime


class Adjustments(Listing, frozen=True, kw_only=True):
    """Factors and fees by scope and value, those of one in the order in which they begin."""

    items: list[DatedAdjustment]


@extend_schema_field({"type": "number", "minimum": 0, "maximum": MOST_FACTOR})
class FactorField(DecimalField):
    """A JSON number, rounded to millionths."""

    most, places = MOST_FACTOR, 6

    def to_internal_value(self, data):
        """Refuses what would round to nothing, too: all would be free without anyone having said so."""
        factor = super().to_internal_value(data)
        if data and not factor:
            raise serializers.ValidationError(_("A factor is 0, or at least 0.000001."))
        return factor


class WhichAdjustment(FromDay):
    """Which adjustments are meant."""

    scope = serializers.ChoiceField(BY_HAND)
    value = TextField(max_length=255, help_text=VALUE_HELP)

    def validate(self, attrs):
        """Refuses masks of keys."""
        attrs["value"] = checked_value(attrs["scope"], attrs["value"], "value")
        return attrs


class AdjustmentBody(WhichAdjustment):
    """Whose usage, and what it is billed in place of list prices."""

    factor = FactorField(default=1, validators=FACTOR_VALIDATORS)
    request_price = RequestPriceField(source="request", default=0, help_text="USD for each successful request.")
    note = TextField(max_length=255, default="", allow_blank=True)


@rest.described(Adjustments, parameters=[lists.ListFields], methods=["GET"], summary="Factors and fees on list prices")
@rest.described(PriceChanged, body=AdjustmentBody, methods=["PUT"], summary=SET, description=ABOUT_SET)
@rest.described(PriceChanged, parameters=[WhichAdjustment], methods=["DELETE"], summary=CLEAR, description=ABOUT_CLEAR)
@api_view(["GET", "PUT", "DELETE"])
def adjustments(request):
    """What resellers and clients are billed in place of list prices."""
    if request.method == "PUT":
        adjusting.enter(**rest.body_of(request, AdjustmentBody))
        return Response(PriceChanged())
    if request.method == "DELETE":
        adjusting.clear(**rest.valid(WhichAdjustment, request.query_params.dict()))
        return Response(PriceChanged())
    today, query = timezone.localdate(), lists.query_of(request)
    state = ("adjustments", Revision.current_stamp(), str(today), query)
    return rest.answer(request, state, lambda: listed(today, query))


def listed(today: date, query: ListQuery) -> Adjustments:
    """Those that the query asks for; which are in force is of a local date."""
    found = list(Adjustment.objects.filter(value__icontains=query.q))
    in_force = {(each.scope, each.value): each for each in found if begins(each) <= today}  # the last to begin
    for each in found:
        each.in_force = in_force.get((each.scope, each.value)) is each
        each.request_price = usd(each.request)
    items = convert(query.of(found), list[DatedAdjustment], from_attributes=True)
    return Adjustments(items=items, totals=totals_of(items=(len(found), items)))
