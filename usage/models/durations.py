"""How long answers took, as histograms."""

from django.db import models

from usage.models.querysets import DurationQuerySet


class Duration(models.Model):
    """Counts of one kind of duration in one UTC hour and model, in the buckets of histograms.py; successes only.

    A column a bucket: a quarter of the space of a row a bucket, and one row to add to.
    """

    class Kind(models.IntegerChoices):
        LATENCY = 0, "latency"
        TTFT = 1, "time to first token"

    pk = models.CompositePrimaryKey("bucket", "model", "kind")
    bucket = models.BigIntegerField(help_text="Start of the hour, in seconds since the epoch, UTC.")
    model = models.ForeignKey(
        "pricing.Model", models.PROTECT, db_index=False, db_constraint=False, related_name="durations"
    )
    kind = models.SmallIntegerField(choices=Kind)
    n00 = models.IntegerField(default=0)
    n01 = models.IntegerField(default=0)
    n02 = models.IntegerField(default=0)
    n03 = models.IntegerField(default=0)
    n04 = models.IntegerField(default=0)
    n05 = models.IntegerField(default=0)
    n06 = models.IntegerField(default=0)
    n07 = models.IntegerField(default=0)
    n08 = models.IntegerField(default=0)
    n09 = models.IntegerField(default=0)
    n10 = models.IntegerField(default=0)
    n11 = models.IntegerField(default=0)
    n12 = models.IntegerField(default=0)
    n13 = models.IntegerField(default=0)
    n14 = models.IntegerField(default=0)
    n15 = models.IntegerField(default=0)
    n16 = models.IntegerField(default=0)
    n17 = models.IntegerField(default=0)
    n18 = models.IntegerField(default=0)
    n19 = models.IntegerField(default=0)
    n20 = models.IntegerField(default=0)
    n21 = models.IntegerField(default=0)
    n22 = models.IntegerField(default=0)
    n23 = models.IntegerField(default=0)

    objects = DurationQuerySet.as_manager()

    def __str__(self):
        return f"{self.get_kind_display()} of {self.model_id} in hour {self.bucket}"
