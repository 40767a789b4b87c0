"""Counters of changes: a cached answer about an app's rows is stale once the app's counter has moved."""

from django.db import models


class Revision(models.Model):
    """Counts the changes of an app's rows, in the only row of its table."""

    number = models.BigIntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self):
        return str(self.number)

    @classmethod
    def current(cls) -> int:
        """The count; 0 before the first change."""
        return cls.objects.filter(pk=1).values_list("number", flat=True).first() or 0

    @classmethod
    def hold(cls):
        """Let other changes wait until the transaction ends, as bump(), but count none."""
        cls.objects.get_or_create(pk=1)
        cls.objects.select_for_update().get(pk=1)

    @classmethod
    def bump(cls, **fields):
        """Count one more change and set other fields. Until the transaction ends, other changes wait for the row."""
        row, fields["number"] = cls.objects.filter(pk=1), models.F("number") + 1
        if not row.update(**fields):
            cls.objects.get_or_create(pk=1)
            row.update(**fields)
