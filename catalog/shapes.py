"""The shapes of the API's replies about CPA's accounts and keys, and how they are filled."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from catalog.models import AuthFile, Connection, Provider
from cpa_usage.api import OURS, Build

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


class ListedAuthFiles(Struct, frozen=True):
    """Accounts, by name."""

    items: list[ListedAuthFile]


class ProviderKey(Struct, frozen=True, kw_only=True):
    """An upstream key of a provider list, or one that was."""

    lookup_key: AuthIndex
    provider_type: str
    display_name: str
    provider_key: Annotated[str, Meta(description="The key, masked; the key itself is never kept.")]
    match_kind: Annotated[str, Meta(description="What lookup_key is: always auth_index.")]
    prefix: str
    disabled: bool
    absent_since: Absent


class ProviderKeys(Struct, frozen=True):
    """Upstream keys, by type and name."""

    items: list[ProviderKey]


class CatalogRefreshed(Struct, frozen=True):
    """It is done."""

    ok: bool = True


class SwitchSet(Struct, frozen=True):
    """It is done; `value` is what the switch is now."""

    value: bool
    ok: bool = True


def versions() -> Versions:
    """The build of this program, and CPA's; empty texts before the first reply of CPA."""
    known = Connection.objects.values_list("version", "commit", "build_date").first()
    return Versions(cpa_usage=OURS, cpa=Build(*(known or ("", "", ""))))


def auth_files() -> ListedAuthFiles:
    """Every account CPA lists or ever listed."""
    rows = AuthFile.objects.values(*ListedAuthFile.__struct_fields__)
    return ListedAuthFiles(items=[ListedAuthFile(**row) for row in rows])


def provider_keys() -> ProviderKeys:
    """Every upstream key CPA lists or ever listed."""
    return ProviderKeys(
        items=[
            ProviderKey(
                lookup_key=row.auth_index,
                provider_type=row.provider_type,
                display_name=row.display_name,
                provider_key=row.key_mask,
                match_kind="auth_index",
                prefix=row.prefix,
                disabled=row.disabled,
                absent_since=row.absent_since,
            )
            for row in Provider.objects.all()
        ]
    )
