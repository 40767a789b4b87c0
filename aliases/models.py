"""Client API keys: never the key, only its fingerprint, a mask to recognise it by, and the name people gave it."""

from collections.abc import Mapping
from typing import Annotated

from django.db import models, transaction
from django.utils import timezone
from msgspec import Meta, Struct

from cpa_usage.database import revisions
from cpa_usage.keys import account_name, fingerprint, is_fingerprint, mask


class Revision(revisions.Revision):
    """Counts the changes of aliases."""


class AliasImport(Struct, frozen=True):
    """What an import did."""

    imported: Annotated[int, Meta(description="Keys named.")]
    skipped: Annotated[int, Meta(description="Items without a key or an alias.")]
    removed: Annotated[int, Meta(description="Keys that lost their name.")]


class ApiKeyQuerySet(models.QuerySet):
    """Client keys, named or not."""

    def real(self):
        """All keys, without the row that stands for "no key"."""
        return self.exclude(fingerprint="")

    def named(self):
        """Keys that have an alias."""
        return self.exclude(alias="")

    def untouched(self):
        """Keys about which a person has said nothing."""
        return self.real().filter(alias="", alias_updated_at=None)

    def observe(self, masks: Mapping[str, str]) -> dict[str, int]:
        """Ids by fingerprint of keys given as {fingerprint: mask}; missing rows are created, also while another
        process creates them.

        Moves no revision: the writer calls this under its lock, and its own counter moves with every batch.
        """
        known = self._ids_of(masks)
        if missing := sorted(masks.keys() - known.keys()):
            self.bulk_create((self.model(fingerprint=key, mask=masks[key]) for key in missing), ignore_conflicts=True)
            known |= self._ids_of(missing)
        self._fill_masks(masks)
        return known

    def rename(self, key: str, alias: str):
        """Name a key given raw or as its fingerprint, observed or not; a blank alias clears the name."""
        if not alias.strip():
            return self.forget(key)
        row = self.model.of(key)
        with transaction.atomic():
            self.get_or_create(fingerprint=row.fingerprint, defaults={"mask": row.mask})[0].rename(alias)

    def forget(self, key: str):
        """Clear the name of a key given raw or as its fingerprint; nothing happens when it has none."""
        for row in self.named().filter(fingerprint=self.model.of(key).fingerprint):
            row.forget()

    def import_items(self, mode: str, items: list[Mapping]) -> AliasImport:
        """Name many keys at once, all or nothing; mode `replace` clears every name that is not among them.

        An item has `key_id` or `api_key` (raw or fingerprint; with a key_id it only gives the mask) and `alias`, all
        validated texts. The last of several items for one key wins; items with a blank key or alias are skipped.
        """
        found = [_named(item) for item in items]
        rows = {row.fingerprint: row for row in found if row}
        with transaction.atomic():
            Revision.bump()
            others = self.named().exclude(fingerprint__in=list(rows)) if mode == "replace" else self.none()
            removed = others.update(alias="", alias_updated_at=None)
            self._name(rows)
        return AliasImport(len(rows), found.count(None), removed)

    def _name(self, rows):
        """Rows in one order, so that two imports wait for each other instead of both for ever."""
        self.bulk_create(
            [rows[key] for key in sorted(rows)],
            update_conflicts=True,
            unique_fields=["fingerprint"],
            update_fields=["alias", "alias_updated_at"],
        )
        self._fill_masks({key: row.mask for key, row in rows.items()})

    def _fill_masks(self, masks):
        """A key that was first named by its fingerprint has no mask until it is given one here."""
        for row in self.real().filter(fingerprint__in=list(masks), mask="").order_by("fingerprint"):
            self.filter(pk=row.pk).update(mask=masks[row.fingerprint])

    def _ids_of(self, fingerprints):
        return dict(self.filter(fingerprint__in=list(fingerprints)).values_list("fingerprint", "id"))


class ApiKey(models.Model):
    """One client key, observed by the writer or named by a person. The row with fingerprint '' stands for "no key"."""

    fingerprint = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key, in hex.")
    mask = models.CharField(max_length=64, blank=True)
    alias = models.CharField(max_length=255, blank=True)
    alias_updated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["fingerprint"]

    def __str__(self):
        return self.alias or self.mask or "no key"

    @classmethod
    def of(cls, key: str):
        """An unsaved row of a key given raw or as its fingerprint, from which no mask can be told."""
        return cls(fingerprint=key) if is_fingerprint(key) else cls(fingerprint=fingerprint(key), mask=mask(key))

    def rename(self, alias: str):
        """Set the name, without blanks around it; a blank one clears it."""
        self.alias = alias.strip()
        self.alias_updated_at = timezone.now() if self.alias else None
        with transaction.atomic():
            Revision.bump()
            self.save(update_fields=["alias", "alias_updated_at"])

    def forget(self):
        """Clear the name; the row stays, because records point at it."""
        self.rename("")


class AccountNameQuerySet(models.QuerySet):
    """What people call upstream accounts."""

    def names(self) -> dict[str, str]:
        """Every name, by its account."""
        return dict(self.values_list("account", "name"))

    def rename(self, account: str, name: str):
        """Call an account so; a blank name takes the one that it has away. A key is known by its fingerprint."""
        account, name = account_name(account), name.strip()
        with transaction.atomic():
            Revision.bump()
            if name:
                self.update_or_create(account=account, defaults={"name": name})
            else:
                self.filter(account=account).delete()


class AccountName(models.Model):
    """What people call an upstream account, which records know by an address, a key or an index."""

    account = models.CharField(
        max_length=255, unique=True, help_text="Its e-mail address, name, key (kept as its fingerprint), or auth index."
    )
    name = models.CharField(max_length=255, blank=True, help_text="Empty: the account loses its name.")

    objects = AccountNameQuerySet.as_manager()

    class Meta:
        ordering = ["name", "account"]

    def __str__(self):
        return self.name


def _named(item) -> ApiKey | None:
    """The unsaved row that an item of an import names; None for one without a key or an alias.

    Our own export has the mask under api_key, and the mask of a mask is that mask.
    """
    key_id, api_key, alias = ((item.get(name) or "").strip() for name in ("key_id", "api_key", "alias"))
    if not alias or not (key_id or api_key):
        return None
    row = ApiKey.of(api_key)
    row.fingerprint = key_id or row.fingerprint
    row.alias, row.alias_updated_at = alias, timezone.now()
    return row
