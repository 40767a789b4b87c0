"""How files of a kind are read that are no provider's known export: chosen once, kept."""

from django.db import models


class ColumnMapping(models.Model):
    """The meaning of the columns of all files with the same header. Nothing else of a file is kept."""

    fingerprint = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the names in the header.")
    columns = models.JSONField(help_text="The name of the column by role.")
    zone = models.CharField(max_length=64, help_text="The time zone of its days.")

    def __str__(self):
        return ", ".join(f"{role}={name}" for role, name in sorted(self.columns.items()))
