"""Client keys: observing, naming, clearing names, and importing names from another installation."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from django.db import models, transaction
from django.utils import timezone
from msgspec import Meta, Struct

from aliases.items import KeyName, key_names
from aliases.revision import Revision
from cpa_usage.keys import fingerprint, is_fingerprint, mask

CHUNK = 500  # rows in one query


class AliasImport(Struct, frozen=True):
    """What an import did."""

    imported: Annotated[int, Meta(description="Keys named.")]
    skipped: Annotated[int, Meta(description="Items without a key or an alias.")]
    removed: Annotated[int, Meta(description="Keys that lost their name.")]


def resolve(text: str) -> str:
    """The fingerprint of a key given raw or as its fingerprint."""
    return text if is_fingerprint(text) else fingerprint(text)


class ApiKeyQuerySet(models.QuerySet):
    """Client keys, named or not."""

    def real(self):
        """All keys, without the row that stands for "no key"."""
        return self.exclude(fingerprint="")

    def named(self):
        """Keys that have an alias."""
        return self.exclude(alias="")

    def observe(self, masks: Mapping[str, str]) -> dict[str, int]:
        """Ids by fingerprint of keys given as {fingerprint: mask}; missing rows are created, also while another
        process creates them.

        Moves no revision: the writer calls this under its lock, and its own counter moves with every batch.
        """
        ids = {}
        for chunk in _chunks(masks):
            known = self._ids_of(chunk)
            if missing := [key for key in chunk if key not in known]:
                rows = [self.model(fingerprint=key, mask=masks[key]) for key in missing]
                self.bulk_create(rows, ignore_conflicts=True)
                known.update(self._ids_of(missing))
            ids.update(known)
        self._fill_masks(masks)
        return ids

    def rename(self, key: str, alias: str):
        """Name a key given raw or as its fingerprint, observed or not; a blank alias clears the name."""
        if not alias.strip():
            return self.forget(key)
        with transaction.atomic():
            known = {"mask": "" if is_fingerprint(key) else mask(key)}
            self.get_or_create(fingerprint=resolve(key), defaults=known)[0].rename(alias)

    def forget(self, key: str):
        """Clear the name of a key given raw or as its fingerprint; nothing happens when it has none."""
        for row in self.named().filter(fingerprint=resolve(key)):
            row.forget()

    def import_items(self, mode: str, items: Iterable[Mapping]) -> AliasImport:
        """Name many keys at once, all or nothing; mode `replace` clears every name that is not among them.

        An item has `key_id` or `api_key` (raw or fingerprint; with a key_id it only gives the mask) and `alias`, all
        validated texts. The last of several items for one key wins; items with a blank key or alias are skipped.
        """
        names, skipped = key_names(items)
        with transaction.atomic():
            Revision.bump()
            removed = self._clear_all_but(names) if mode == "replace" else 0
            self._name(names)
        return AliasImport(len(names), skipped, removed)

    def _clear_all_but(self, names):
        return self.named().exclude(fingerprint__in=list(names)).update(alias="", alias_updated_at=None)

    def _name(self, names: dict[str, KeyName]):
        now = timezone.now()
        self.bulk_create(
            [
                self.model(fingerprint=key, mask=name.mask, alias=name.alias, alias_updated_at=now)
                for key, name in sorted(names.items())
            ],
            batch_size=CHUNK,
            update_conflicts=True,
            unique_fields=["fingerprint"],
            update_fields=["alias", "alias_updated_at"],
        )
        self._fill_masks({key: name.mask for key, name in names.items()})

    def _fill_masks(self, masks):
        """A key that was first named by its fingerprint has no mask until it is given one here."""
        for chunk in _chunks(masks):
            for row in self.real().filter(fingerprint__in=chunk, mask=""):
                self.filter(pk=row.pk).update(mask=masks[row.fingerprint])

    def _ids_of(self, fingerprints):
        return dict(self.filter(fingerprint__in=fingerprints).values_list("fingerprint", "id"))


def _chunks(masks) -> Iterator[list[str]]:
    """Fingerprints in order, so that two processes lock rows in one order."""
    keys = sorted(masks)
    return (keys[i : i + CHUNK] for i in range(0, len(keys), CHUNK))
