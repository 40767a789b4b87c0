"""How often aliases changed."""

from django.db import models


class Revision(models.Model):
    """Counts the changes of aliases in its only row, so that a cached answer knows when it is stale."""

    number = models.BigIntegerField(default=0)

    def __str__(self):
        return str(self.number)

    @classmethod
    def current(cls) -> int:
        """The count; 0 before the first change."""
        return cls.objects.filter(pk=1).values_list("number", flat=True).first() or 0

    @classmethod
    def bump(cls):
        """Count one more change. Its row stays locked until the transaction ends: changes queue up here."""
        cls.objects.get_or_create(pk=1)
        cls.objects.filter(pk=1).update(number=models.F("number") + 1)
