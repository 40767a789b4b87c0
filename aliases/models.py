"""Client API keys: never the key, only its fingerprint, a mask to recognise it by, and the name people gave it."""

from django.db import models, transaction
from django.utils import timezone

from aliases.querysets import ApiKeyQuerySet
from aliases.revision import Revision

__all__ = ["ApiKey", "Revision"]


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
