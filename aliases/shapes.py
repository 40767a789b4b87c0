"""The shapes of the API's replies about client keys and their names, and how they are filled."""

from datetime import UTC, datetime
from typing import Annotated

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from msgspec import Meta, Struct

from aliases.models import ApiKey

Mask = Annotated[str, Meta(description="The key, masked; the key itself is never kept.")]
KeyId = Annotated[str, Meta(description="The key's fingerprint: SHA-256 in hex.")]


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
    requests = requests_by_key()
    keys = [key for key in ApiKey.objects.real() if key.alias or key.fingerprint in requests]
    keys.sort(key=lambda key: (-requests.get(key.fingerprint, 0), key.mask, key.fingerprint))
    return Aliases(
        items=[
            Alias(
                api_key=key.mask,
                key_id=key.fingerprint,
                alias=key.alias,
                event_count=requests.get(key.fingerprint, 0),
                alias_updated_at=key.alias_updated_at,
            )
            for key in keys
        ]
    )


def requests_by_key() -> dict[str, int]:
    """Requests ever counted, by fingerprint of the client key, as usage tells them; only used keys are in it."""
    return import_string(settings.KEY_REQUESTS)()


def export() -> AliasExport:
    """Every name there is, by key."""
    named = ApiKey.objects.named().order_by("mask", "fingerprint")
    return AliasExport(
        version=1,
        exported_at=timezone.now().astimezone(UTC),
        items=[
            ExportedAlias(key_id=k.fingerprint, api_key=k.mask, alias=k.alias, updated_at=k.alias_updated_at)
            for k in named
        ],
    )
