"""The shapes of the API's replies about client keys and their names, and how they are filled."""

from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Annotated

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from django.utils.module_loading import import_string
from msgspec import Meta, Struct

from aliases.models import SAID, ApiKey
from cpa_usage.http.lists import ALL, Listing, ListQuery, totals_of

Mask = Annotated[str, Meta(description="The key, masked; the key itself is never kept.")]
KeyId = Annotated[str, Meta(description="The key's fingerprint: SHA-256 in hex.")]
KEY = {"api_key": F("mask"), "key_id": F("fingerprint")}
SEARCHED = ("alias__icontains", "owner__icontains", "note__icontains", "mask__icontains", "fingerprint__istartswith")


class Alias(Struct, frozen=True):
    """A key that was observed or named."""

    api_key: Mask
    key_id: KeyId
    alias: str
    owner: Annotated[str, Meta(description="A person or a team; empty for none.")]
    note: str
    event_count: Annotated[int, Meta(description="Attempts ever counted.")]
    alias_updated_at: datetime | None


class Aliases(Listing, frozen=True, kw_only=True):
    """Keys observed or named, the busiest first."""

    items: list[Alias]


class ExportedAlias(Struct, frozen=True):
    """A key in an export."""

    key_id: KeyId
    api_key: Mask
    alias: str
    owner: str
    note: str
    updated_at: datetime | None


class AliasExport(Struct, frozen=True):
    """All names, in the form that the import takes."""

    version: int
    exported_at: datetime
    items: list[ExportedAlias]


class AliasChanged(Struct, frozen=True):
    """It is done."""

    ok: bool = True


def aliases(query: ListQuery = ALL) -> Aliases:
    """The keys that were used or named, those that the query asks for."""
    keys = ApiKey.objects.real()
    if query.q:
        keys = keys.filter(reduce(or_, (Q(**{where: query.q}) for where in SEARCHED)))
    requests = import_string(settings.KEY_REQUESTS)()  # ever counted, of the keys that were used
    known = keys.values(*SAID, "alias_updated_at", **KEY).iterator()
    found = [Alias(event_count=requests.get(key["key_id"], 0), **key) for key in known]
    found = [item for item in found if item.alias or item.owner or item.note or item.key_id in requests]
    found.sort(key=lambda item: (-item.event_count, item.api_key, item.key_id))
    return Aliases(items=query.of(found), totals=totals_of(items=(len(found), query.of(found))))


def export() -> AliasExport:
    """Every name, owner and note there is, by key."""
    named = ApiKey.objects.described().values(*SAID, updated_at=F("alias_updated_at"), **KEY)
    items = [ExportedAlias(**key) for key in named.order_by("mask", "fingerprint")]
    return AliasExport(version=1, exported_at=timezone.now().astimezone(UTC), items=items)
