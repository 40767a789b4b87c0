"""The price catalogue's answer about each model, stored so that only the tasks need to load the catalogue."""

import msgspec
from django.db import models

from pricing.catalogue.listings import DatedCards


class CatalogueEntry(models.Model):
    """The catalogue's answer about one model, by the version of the catalogue that gave it."""

    model = models.OneToOneField("pricing.Model", models.CASCADE, related_name="catalogue")
    version = models.CharField(max_length=64, help_text="Of the catalogue that was asked.")
    matched = models.CharField(max_length=255, blank=True, help_text="Catalogue's provider and id.")
    reason = models.CharField(max_length=500, blank=True, help_text="Why it has no price there.")
    sets = models.JSONField(default=list, blank=True, help_text="DatedCards as plain values.")
    corrects = models.BooleanField(
        default=False, help_text="Its figures for days gone by differ from those the history is costed with."
    )
    asked_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "catalogue entries"

    def __str__(self):
        return self.matched or self.reason

    @property
    def dated_cards(self) -> tuple[DatedCards, ...]:
        """The listed price sets, oldest first; none: the catalogue has no price."""
        return msgspec.convert(self.sets, tuple[DatedCards, ...])
