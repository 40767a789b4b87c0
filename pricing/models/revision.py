"""How often prices changed."""

import secrets

from django.db import models

from cpa_usage import revisions


class Revision(revisions.Revision):
    """Counts the changes of prices: the writer reloads its cards when it moved."""

    stamp = models.BigIntegerField(
        default=0, help_text="Random, new with each change: no other state of prices has it."
    )

    @classmethod
    def current_stamp(cls) -> int:
        """Tells these prices from any others, those of a restored backup included; 0 before the first change."""
        return cls.objects.filter(pk=1).values_list("stamp", flat=True).first() or 0

    @classmethod
    def bump(cls):
        """Count one more change and draw a new stamp."""
        super().bump(stamp=secrets.randbits(62) + 1)
