"""The shapes of the API's replies about CPA's accounts and keys, and how they are filled."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from catalog.models import AuthFile, Connection, Provider
from cpa_usage.api import OURS, Build
from cpa_usage.http.lists import Listing, ListQuery

Absent = Annotated[datetime | None, Meta(description="Since when CPA no longer lists it; null: it does.")]
AuthIndex = Annotated[str, Meta(description="Joins it to records.")]


class Versions(Struct, frozen=True):
    """Ours, and CPA's as its last reply to us named it."""

    cpa_usage: Build
    cpa: Build


class ListedAuthFile(Struct, frozen=True, kw_only=True):
    """An account CPA signs in to, or did."""

    auth_index: AuthIndex
    name: str
    email: str
    type: str
    provider: str
    label: str
    status: Annotated[str, Meta(description="CPA's word.")]
    source: str
    disabled: bool
    unavailable: bool
    runtime_only: bool
    plan: str
    status_message: str
    absent_since: Absent


class ListedAuthFiles(Listing, frozen=True, kw_only=True):
    """Accounts, by name."""

    items: list[ListedAuthFile]


class ProviderKey(Struct, frozen=True, kw_only=True):
    """An upstream key of a provider list, or one that was."""

    auth_index: AuthIndex = field(name="lookup_key")
    provider_type: str
    display_name: str
    key_mask: Annotated[str, Meta(description="The key, masked; the key itself is never kept.")] = field(
        name="provider_key"
    )
    match_kind: Annotated[str, Meta(description="What lookup_key is: always auth_index.")]
    prefix: str
    disabled: bool
    absent_since: Absent


class ProviderKeys(Listing, frozen=True, kw_only=True):
    """Upstream keys, by type and name."""

    items: list[ProviderKey]


class CatalogRefreshed(Struct, frozen=True):
    """It is done."""

    ok: bool = True


class SwitchSet(Struct, frozen=True):
    """It is done; `value` is what the switch is now."""

    value: bool
    ok: bool = True


OUR_VERSION = Versions(cpa_usage=Build(OURS.version, "", ""), cpa=Build("", "", ""))


def versions() -> Versions:
    """The build of this program, and CPA's; empty texts before the first reply of CPA."""
    known = Connection.objects.values_list("version", "commit", "build_date").first()
    return Versions(cpa_usage=OURS, cpa=Build(*(known or ("", "", ""))))


def auth_files(query: ListQuery) -> ListedAuthFiles:
    """The accounts CPA lists or ever listed, those that the query asks for."""
    return query.listing(ListedAuthFiles, AuthFile.objects, "name", "email", "label", "auth_index")


def provider_keys(query: ListQuery) -> ProviderKeys:
    """The upstream keys CPA lists or ever listed, those that the query asks for."""
    return query.listing(ProviderKeys, Provider.objects, "name", "prefix", "provider_type", "auth_index")
