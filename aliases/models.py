"""Client API keys: never the key, only its fingerprint, a mask to recognise it by, and what people said of it."""

from collections.abc import Mapping
from typing import Annotated

from django.db import models, transaction
from django.utils import timezone
from msgspec import Meta, Struct

from cpa_usage.database import revisions
from cpa_usage.keys import MASK, account_name, fingerprint, is_fingerprint, mask


class Revision(revisions.Revision):
    """Counts the changes of aliases."""


SAID = ("alias", "owner", "note")  # of a key, by a person


class AliasImport(Struct, frozen=True):
    """What an import did."""

    imported: Annotated[int, Meta(description="Keys named.")]
    skipped: Annotated[int, Meta(description="Items without a key, or without an alias, owner and note.")]
    removed: Annotated[int, Meta(description="Keys that lost their name.")]


class ApiKeyQuerySet(models.QuerySet):
    """Client keys, named or not."""

    def real(self):
        """All keys, without the row that stands for "no key"."""
        return self.exclude(fingerprint="")

    def named(self):
        """Keys that have an alias."""
        return self.exclude(alias="")

    def described(self):
        """Keys that have an alias, an owner or a note."""
        return self.exclude(**dict.fromkeys(SAID, ""))

    def untouched(self):
        """Keys about which a person has said nothing."""
        return self.real().filter(**dict.fromkeys(SAID, ""), alias_updated_at=None)

    def owners(self) -> dict[str, str]:
        """The owner of each key that has one, by fingerprint."""
        return dict(self.exclude(owner="").values_list("fingerprint", "owner"))

    def observe(self, masks: Mapping[str, str]) -> dict[str, int]:
        """Ids by fingerprint of keys given as {fingerprint: mask}; missing rows are created, also while another
        process creates them.

        Moves no revision: the writer calls this under its lock, and its own counter moves with every batch.
        """
        known = self._ids_of(masks)
        if missing := sorted(masks.keys() - known.keys()):
            self.bulk_create((self.model(fingerprint=key, mask=masks[key]) for key in missing), ignore_conflicts=True)
            known |= self._ids_of(missing)
        self.renew_masks(masks)
        return known

    def describe(self, key: str, **said: str | None):
        """Say something of a key given raw or as its fingerprint, observed or not; see ApiKey.describe."""
        row = self.model.of(key)
        with transaction.atomic():
            found = self.filter(fingerprint=row.fingerprint)
            if any(text and text.strip() for text in said.values()):
                found = [self.get_or_create(fingerprint=row.fingerprint, defaults={"mask": row.mask})[0]]
            for known in found:
                known.describe(**said)

    def import_items(self, mode: str, items: list[Mapping]) -> AliasImport:
        """Describe many keys at once, all or nothing; mode `replace` clears what was said of all others.

        An item has `key_id` or `api_key` (raw or fingerprint; with a key_id it only gives the mask), and `alias`,
        `owner` or `note`, all validated texts; a blank one leaves what there is. The last of several items for one key
        wins; items with a blank key, or with nothing to say, are skipped.
        """
        found = [_described(item) for item in items]
        rows = {row.fingerprint: row for row in found if row}
        with transaction.atomic():
            Revision.bump()
            others = self.described().exclude(fingerprint__in=list(rows)) if mode == "replace" else self.none()
            removed = others.update(**dict.fromkeys(SAID, ""), alias_updated_at=None)
            self._describe(rows)
        return AliasImport(len(rows), found.count(None), removed)

    def _describe(self, rows):
        """Rows in one order, so that two imports wait for each other instead of both for ever."""
        for known in self.filter(fingerprint__in=list(rows)):
            rows[known.fingerprint].complete(known)
        self.bulk_create(
            [rows[key] for key in sorted(rows)],
            update_conflicts=True,
            unique_fields=["fingerprint"],
            update_fields=[*SAID, "alias_updated_at"],
        )
        self.renew_masks({key: row.mask for key, row in rows.items()})

    def renew_masks(self, masks: Mapping[str, str]):
        """Give a key the mask that is known now where its own shows nothing: it was known by its fingerprint alone."""
        unshown = self.real().filter(fingerprint__in=list(masks), mask__in=["", MASK]).order_by("fingerprint")
        for row in unshown:
            if masks[row.fingerprint].strip("*"):
                self.filter(pk=row.pk).update(mask=masks[row.fingerprint])

    def _ids_of(self, fingerprints):
        return dict(self.filter(fingerprint__in=list(fingerprints)).values_list("fingerprint", "id"))


class ApiKey(models.Model):
    """One client key, observed by the writer or named by a person. The row with fingerprint '' stands for "no key"."""

    fingerprint = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key, in hex.")
    mask = models.CharField(max_length=64, blank=True)
    alias = models.CharField(max_length=255, blank=True)
    owner = models.CharField(max_length=255, blank=True, help_text="A person or a team, who may have several keys.")
    note = models.CharField(max_length=1000, blank=True)
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
        """An unsaved row of a key given raw or as its fingerprint, from which no mask can be made."""
        return cls(fingerprint=key) if is_fingerprint(key) else cls(fingerprint=fingerprint(key), mask=mask(key))

    def describe(self, **said: str | None):
        """Set what of alias, owner and note is given, without blanks around it; a blank one is cleared, None stays."""
        said = {name: text.strip() for name, text in said.items() if text is not None}
        changed = {name: text for name, text in said.items() if getattr(self, name) != text}
        if not changed:
            return
        if "alias" in changed:
            changed["alias_updated_at"] = timezone.now() if changed["alias"] else None
        for name, value in changed.items():
            setattr(self, name, value)
        with transaction.atomic():
            Revision.bump()
            self.save(update_fields=list(changed))

    def complete(self, known: "ApiKey"):
        """Take from another row of this key what nothing is said of here."""
        if not self.alias:
            self.alias_updated_at = known.alias_updated_at
        for name in SAID:
            setattr(self, name, getattr(self, name) or getattr(known, name))


class AccountNameQuerySet(models.QuerySet):
    """What people call upstream accounts."""

    def names(self) -> dict[str, str]:
        """Every name, by its account."""
        return dict(self.values_list("account", "name"))

    def rename(self, account: str, name: str) -> "AccountName | None":
        """Call an account so; a blank name takes the one that it has away. A key is known by its fingerprint."""
        account, name = account_name(account), name.strip()
        with transaction.atomic():
            Revision.bump()
            if name:
                return self.update_or_create(account=account, defaults={"name": name})[0]
            self.filter(account=account).delete()
        return None


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


def _described(item) -> ApiKey | None:
    """The unsaved row that an item of an import describes; None for one without a key or a word.

    Our own export has the mask under api_key, and the mask of a mask is that mask.
    """
    key_id, api_key, *said = ((item.get(name) or "").strip() for name in ("key_id", "api_key", *SAID))
    if not any(said) or not (key_id or api_key):
        return None
    row = ApiKey.of(api_key)
    row.fingerprint = key_id or row.fingerprint
    row.alias, row.owner, row.note = said
    row.alias_updated_at = timezone.now() if row.alias else None
    return row
