"""Monthly fees of accounts over HTTP: read them, enter one, take one away."""

from datetime import date
from typing import Annotated

from drf_spectacular.utils import extend_schema_field
from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.response import Response

from cpa_usage.http import lists, rest
from cpa_usage.http.fields import TextField
from cpa_usage.http.lists import Listing
from pricing.api.serializers import DecimalField, FromDay
from pricing.api.shapes import PriceChanged
from pricing.models import AccountFee, Revision
from pricing.models.money import FEE_VALIDATORS, MOST_FEE

SET = "Enter an account's fee"
CLEAR = "Remove an account's fees"
ABOUT_SET = """What an account costs a month, however much it is used; 0 ends it. Without `valid_from` the fee in force
today is changed, or, where there is none, made for always; with it a fee begins on that local day."""
ABOUT_CLEAR = """With `valid_from` only the fee that begins on that day is removed, else all fees of the account. It
is no error when there is nothing to remove."""


class Fee(Struct, frozen=True):
    """What an account costs a month from a local date on."""

    account: Annotated[str, Meta(description="An e-mail address, name, fingerprint of a key, or auth index.")]
    usd_per_month: float
    valid_from: Annotated[date | None, Meta(description="Local date; null: always.")]


class Fees(Listing, frozen=True, kw_only=True):
    """Fees by account, those of one in the order in which they begin."""

    items: list[Fee]


@extend_schema_field({"type": "number", "minimum": 0, "maximum": MOST_FEE})
class UsdField(DecimalField):
    """A JSON number of US dollars, rounded to cents."""

    most, places = MOST_FEE, 2


class AccountName(serializers.Serializer):
    """Which account is meant."""

    account = TextField(max_length=255, help_text="Its e-mail address, name, key, fingerprint of a key, or auth index.")


class WhichFee(AccountName, FromDay):
    """Which fees are meant."""


class FeeBody(WhichFee):
    """An account and its fee."""

    usd_per_month = UsdField(validators=FEE_VALIDATORS)


@rest.described(Fees, parameters=[lists.ListFields], methods=["GET"], summary="Monthly fees of accounts")
@rest.described(PriceChanged, body=FeeBody, methods=["PUT"], summary=SET, description=ABOUT_SET)
@rest.described(PriceChanged, parameters=[WhichFee], methods=["DELETE"], summary=CLEAR, description=ABOUT_CLEAR)
@api_view(["GET", "PUT", "DELETE"])
def fees(request):
    """What accounts cost a month; pages show it next to the list value of their usage."""
    if request.method == "PUT":
        AccountFee.objects.enter(**rest.body_of(request, FeeBody))
        return Response(PriceChanged())
    if request.method == "DELETE":
        AccountFee.objects.clear(**rest.valid(WhichFee, request.query_params.dict()))
        return Response(PriceChanged())
    query = lists.query_of(request)
    state = ("fees", Revision.current_stamp(), query)
    return rest.answer(request, state, lambda: query.listing(Fees, AccountFee.objects, "account"))
