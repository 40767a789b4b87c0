"""Kept totals: the sum of all series that share one value of a label, one row a bucket. See Label.kept."""

from django.db import models

from usage.models.querysets import LabelValueQuerySet
from usage.models.rollups import Measures


class LabelValue(models.Model):
    """One value of a label whose totals are kept; the empty label stands for everything."""

    label = models.CharField(max_length=32, blank=True, help_text="Its name in usage.models.labels.")
    value = models.CharField(max_length=255, blank=True)

    objects = LabelValueQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["label", "value"], name="label_value_identity")]

    def __str__(self):
        return f"{self.label} {self.value}".strip() or "everything"


class LabelQuarter(Measures):
    """Totals of one label value in one quarter of an hour."""

    # The value leads: the rows of a filter lie side by side.
    pk = models.CompositePrimaryKey("label_value", "bucket")
    label_value = models.ForeignKey(LabelValue, models.PROTECT, db_index=False, related_name="quarters")
    bucket = models.BigIntegerField(help_text="Start, in seconds since the epoch, UTC.")

    def __str__(self):
        return f"quarter {self.bucket} of {self.label_value}"


class LabelDay(Measures):
    """Totals of one label value on one local day."""

    pk = models.CompositePrimaryKey("label_value", "bucket")
    label_value = models.ForeignKey(LabelValue, models.PROTECT, db_index=False, related_name="days")
    bucket = models.IntegerField(help_text="Local calendar date, in days since 1970-01-01.")

    def __str__(self):
        return f"day {self.bucket} of {self.label_value}"
