"""How often prices changed."""

import secrets

from django.db import models


class Revision(models.Model):
    """Counts the changes of prices in its only row: the writer reloads its cards when it moved."""

    number = models.BigIntegerField(default=0)
    stamp = models.BigIntegerField(
        default=0, help_text="Random, new with each change: no other state of prices has it."
    )

    def __str__(self):
        return str(self.number)

    @classmethod
    def current(cls) -> int:
        """The count; 0 before the first change."""
        return cls.objects.filter(pk=1).values_list("number", flat=True).first() or 0

    @classmethod
    def current_stamp(cls) -> int:
        """Tells these prices from any others, those of a restored backup included; 0 before the first change."""
        return cls.objects.filter(pk=1).values_list("stamp", flat=True).first() or 0

    @classmethod
    def bump(cls):
        """Count one more change. Its row stays locked until the transaction ends: changes of prices queue up here."""
        cls.objects.get_or_create(pk=1)
        cls.objects.filter(pk=1).update(number=models.F("number") + 1, stamp=secrets.randbits(62) + 1)
