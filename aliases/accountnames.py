"""Names of upstream accounts over HTTP; the list is what a backup needs, and the import takes it."""

from typing import Annotated

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter
from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.response import Response

from aliases.models import AccountName, Revision
from aliases.serializers import MOST_ITEMS
from aliases.shapes import AliasChanged
from cpa_usage.http import lists, rest
from cpa_usage.http.fields import TextField
from cpa_usage.http.lists import Listing, totals_of

Named = Annotated[str, Meta(description="Its `named_as` of usage/accounts: its source, or one of its auth indexes.")]
ACCOUNT = OpenApiParameter("account", str, required=True, description="As the list of names has it.")


class NamedAccount(Struct, frozen=True):
    """An account and what people call it."""

    account: Named
    name: str


class AccountNames(Listing, frozen=True, kw_only=True):
    """Accounts that have a name, by it."""

    items: list[NamedAccount]


class NamesTaken(Struct, frozen=True):
    """What an import did."""

    imported: int


class AccountNameBody(serializers.Serializer):
    """An account and its name; a blank one takes it away."""

    account = TextField(max_length=255)
    name = TextField(max_length=255, allow_blank=True)


class AccountNameFile(serializers.Serializer):
    """Names to take over; those of accounts that are not among them stay."""

    items = AccountNameBody(many=True, max_length=MOST_ITEMS)


@rest.described(AccountNames, parameters=lists.PARAMETERS, methods=["GET"], summary="Names of accounts")
@rest.described(AliasChanged, body=AccountNameBody, methods=["PUT"], summary="Name an account; a blank name clears it")
@rest.described(AliasChanged, parameters=[ACCOUNT], methods=["DELETE"], summary="Clear an account's name")
@api_view(["GET", "PUT", "DELETE"])
def account_names(request):
    """What people call upstream accounts."""
    if request.method == "PUT":
        AccountName.objects.rename(**rest.body_of(request, AccountNameBody))
        return Response(AliasChanged())
    if request.method == "DELETE":
        AccountName.objects.rename(
            **rest.valid(AccountNameBody, {"account": request.query_params.get("account", ""), "name": ""})
        )
        return Response(AliasChanged())
    part = lists.part_of(request)
    return rest.answer(request, ("account-names", Revision.current(), part), lambda: _names(part))


@rest.described(NamesTaken, body=AccountNameFile, summary="Take over names of accounts from a file")
@api_view(["POST"])
def import_account_names(request):
    """The items of the list of names, all or none of them."""
    items = rest.body_of(request, AccountNameFile)["items"]
    with transaction.atomic():
        for item in items:
            AccountName.objects.rename(**item)
    return Response(NamesTaken(len(items)))


def _names(part):
    wanted = Q(name__icontains=part.q) | Q(account__icontains=part.q)
    found, count = part.found(AccountName.objects.filter(wanted))
    items = [NamedAccount(row.account, row.name) for row in found]
    return AccountNames(items=items, totals=totals_of(items=(count, items)))
