"""The shapes of the API's replies about client keys and their names, and how they are filled."""

from datetime import UTC, datetime
from typing import Annotated

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from msgspec import Meta, Struct

from aliases.models import ApiKey

Mask = Annotated[str, Meta(description="The key, masked; the key itself is never kept.")]
KeyId = Annotated[str, Meta(description="The key's fingerprint: SHA-256 in hex.")]
KEY = {"api_key": F("mask"), "key_id": F("fingerprint")}


class Alias(Struct, frozen=True):
    """A key that was observed or named."""

    api_key: Mask
    key_id: KeyId
    alias: str
    event_count: Annotated[int, Meta(description="Requests ever counted.")]
    alias_updated_at: datetime | None


class Aliases(Struct, frozen=True):
    """Keys observed or named, the busiest first."""

    items: list[Alias]


class ExportedAlias(Struct, frozen=True):
    """A named key in an export."""

    key_id: KeyId
    api_key: Mask
    alias: str
    updated_at: datetime | None


class AliasExport(Struct, frozen=True):
    """All names, in the form that the import takes."""

    version: int
    exported_at: datetime
    items: list[ExportedAlias]


class AliasChanged(Struct, frozen=True):
    """It is done."""

    ok: bool = True


def aliases() -> Aliases:
    """Every key that was used or named."""
    requests = import_string(settings.KEY_REQUESTS)()  # ever counted, by fingerprint of the keys that were used
    known = ApiKey.objects.real().values("alias", "alias_updated_at", **KEY)
    items = [Alias(event_count=requests.get(key["key_id"], 0), **key) for key in known]
    items = [item for item in items if item.alias or item.key_id in requests]
    return Aliases(items=sorted(items, key=lambda item: (-item.event_count, item.api_key, item.key_id)))


def export() -> AliasExport:
    """Every name there is, by key."""
    named = ApiKey.objects.named().values("alias", updated_at=F("alias_updated_at"), **KEY)
    items = [ExportedAlias(**key) for key in named.order_by("mask", "fingerprint")]
    return AliasExport(version=1, exported_at=timezone.now().astimezone(UTC), items=items)
