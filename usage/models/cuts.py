"""Totals kept ready for what people filter by most; each is the sum of many series, and one row a bucket."""

from django.db import models

from usage.models.querysets import CutQuerySet
from usage.models.rollups import Measures


class Cut(models.Model):
    """Everything, or all series that share one value of a label people filter by; or of these what failed alone."""

    class Label(models.TextChoices):
        """Named as the parameter of a filter is.

        Those without: each value of auth_index and requested_model has few series, which add up fast enough, while so
        many values would be much to write.
        """

        EVERYTHING = "", "everything"
        MODEL = "model"
        SOURCE = "source"
        API_KEY = "api_key"
        PROVIDER = "provider"
        ENDPOINT = "endpoint"
        REASONING_EFFORT = "reasoning_effort"
        TIER = "tier"
        STATUS = "status"  # of failures, and so of what failed alone

    label = models.CharField(max_length=16, choices=Label, blank=True)
    value = models.CharField(max_length=255, blank=True)
    failed = models.BooleanField(default=False, help_text="Failures alone.")

    objects = CutQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["label", "value", "failed"], name="cut_identity")]

    def __str__(self):
        return f"{self.label} {self.value}".strip() + (" failed" if self.failed else "")


class CutQuarter(Measures):
    """Totals of one cut in one quarter of an hour."""

    pk = models.CompositePrimaryKey("cut", "bucket")
    cut = models.ForeignKey(Cut, models.PROTECT, db_index=False, related_name="quarters")
    bucket = models.BigIntegerField(help_text="Start, in seconds since the epoch, UTC.")

    def __str__(self):
        return f"quarter {self.bucket} of {self.cut}"


class CutHour(Measures):
    """Totals of one cut in one hour, of those hours that lie wholly in the kept detail."""

    pk = models.CompositePrimaryKey("cut", "bucket")
    cut = models.ForeignKey(Cut, models.PROTECT, db_index=False, related_name="hours")
    bucket = models.BigIntegerField(help_text="Start, in seconds since the epoch, UTC.")

    def __str__(self):
        return f"hour {self.bucket} of {self.cut}"


class CutDay(Measures):
    """Totals of one cut on one local day."""

    pk = models.CompositePrimaryKey("cut", "bucket")
    cut = models.ForeignKey(Cut, models.PROTECT, db_index=False, related_name="days")
    bucket = models.IntegerField(help_text="Local calendar date, in days since 1970-01-01.")

    def __str__(self):
        return f"day {self.bucket} of {self.cut}"
