"""The vocabulary of client keys: observing, naming, forgetting, and carrying names from one installation to another."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from aliases.items import KeyName, key_names
from aliases.keys import fingerprint, is_fingerprint, mask

CHUNK = 500  # rows in one query


class Imported(NamedTuple):
    """What an import did: keys named, rows passed over for a blank key or alias, keys that lost their name."""

    imported: int
    skipped: int
    removed: int


def resolve(text: str) -> str:
    """The fingerprint of a key given raw or as its fingerprint."""
    return text if is_fingerprint(text) else fingerprint(text)


class ApiKeyQuerySet(models.QuerySet):
    """Client keys, named or not."""

    def named(self):
        """Keys that have an alias."""
        return self.exclude(alias="")

    def listed(self):
        """Keys observed or named, with `event_count` (all requests ever counted), the busiest first."""
        # Counted in one pass: a condition on the series would join them a second time and multiply the sum.
        counted = self.exclude(fingerprint="").annotate(
            event_count=Coalesce(models.Sum("series__months__requests"), 0), observed=models.Count("series")
        )
        return counted.exclude(alias="", observed=0).order_by("-event_count", "mask", "fingerprint")

    def with_costs(self):
        """Counted keys with all they ever cost (`pico`, in pico-USD), `tokens`, `unpriced` ones, and `last_month`."""
        return self.annotate(
            pico=Coalesce(models.Sum("series__months__cost"), 0, output_field=models.BigIntegerField()),
            tokens=Coalesce(models.Sum("series__months__total"), 0, output_field=models.BigIntegerField()),
            unpriced=Coalesce(models.Sum("series__months__unpriced_tokens"), 0, output_field=models.BigIntegerField()),
            last_month=models.Max("series__months__bucket"),
        )

    def observe(self, masks: Mapping[str, str]) -> dict[str, int]:
        """Ids by fingerprint of keys given as {fingerprint: mask}; missing rows are created, whoever else does too.

        Moves no counter: the writer calls this under its lock, and its own counter moves with every batch.
        """
        ids = {}
        for chunk in _chunks(sorted(masks)):
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
        """Clear the name of a key given raw or as its fingerprint; nothing happens where it has none."""
        for row in self.named().filter(fingerprint=resolve(key)):
            row.forget()

    def import_items(self, mode: str, items: Iterable[Mapping]) -> Imported:
        """Name many keys at once, all or nothing; mode `replace` clears every name that is not among them.

        An item has `key_id` or `api_key` (raw or fingerprint; beside a key_id only its mask counts) and `alias`, all of
        them texts of the right form. The last of several for one key wins; items with a blank key or alias are skipped.
        """
        from aliases.models import Revision

        names, skipped = key_names(items)
        with transaction.atomic():
            Revision.bump()
            removed = self._clear_all_but(names) if mode == "replace" else 0
            self._name(names)
        return Imported(len(names), skipped, removed)

    def _clear_all_but(self, names):
        gone = self.named().exclude(fingerprint__in=list(names))
        return gone.update(alias="", alias_updated_at=None)

    def _name(self, names: dict[str, KeyName]):
        now = timezone.now()
        rows = [
            self.model(fingerprint=key, mask=name.mask, alias=name.alias, alias_updated_at=now)
            for key, name in sorted(names.items())
        ]
        self.bulk_create(
            rows,
            batch_size=CHUNK,
            update_conflicts=True,
            unique_fields=["fingerprint"],
            update_fields=["alias", "alias_updated_at"],
        )
        self._fill_masks({key: name.mask for key, name in names.items()})

    def _fill_masks(self, masks):
        """A key first met by its fingerprint alone has no mask until somebody knows one."""
        for chunk in _chunks(sorted(masks)):
            for row in self.filter(fingerprint__in=chunk, mask="").exclude(fingerprint=""):
                self.filter(pk=row.pk).update(mask=masks[row.fingerprint])

    def _ids_of(self, fingerprints):
        return dict(self.filter(fingerprint__in=fingerprints).values_list("fingerprint", "id"))


def _chunks(values):
    return (values[i : i + CHUNK] for i in range(0, len(values), CHUNK))
