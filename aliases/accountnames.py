"""Names of upstream accounts over HTTP."""

from typing import Annotated

from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.response import Response

from aliases.models import AccountName, Revision
from aliases.shapes import AliasChanged
from cpa_usage.http import lists, rest
from cpa_usage.http.fields import TextField
from cpa_usage.http.lists import Listing


class NamedAccount(Struct, frozen=True):
    """An account and what people call it."""

    account: Annotated[str, Meta(description="As `named_as` of usage/accounts: its source, or one of its indexes.")]
    name: str


class AccountNames(Listing, frozen=True, kw_only=True):
    """Accounts that have a name, by it."""

    items: list[NamedAccount]


class Account(serializers.Serializer):
    """Which account is meant."""

    account = TextField(max_length=255, help_text="The account, as in the list of names.")


class AccountNameBody(Account):
    """An account and its name; a blank one takes it away."""

    name = TextField(max_length=255, allow_blank=True)


@rest.described(AccountNames, parameters=[lists.ListFields], methods=["GET"], summary="Names of accounts")
@rest.described(AliasChanged, body=AccountNameBody, methods=["PUT"], summary="Name an account; a blank name clears it")
@rest.described(AliasChanged, parameters=[Account], methods=["DELETE"], summary="Clear an account's name")
@api_view(["GET", "PUT", "DELETE"])
def account_names(request):
    """What people call upstream accounts."""
    if request.method == "PUT":
        return _rename(**rest.body_of(request, AccountNameBody))
    if request.method == "DELETE":
        return _rename(**rest.valid(Account, request.query_params.dict()))
    query = lists.query_of(request)
    state = ("account-names", Revision.current(), query)
    return rest.answer(request, state, lambda: query.listing(AccountNames, AccountName.objects, "name", "account"))


def _rename(account, name=""):
    AccountName.objects.rename(account, name)
    return Response(AliasChanged())
