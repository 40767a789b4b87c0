"""Totals per bucket and series."""

from django.db import models

from usage.models.querysets import RollupQuerySet
from usage.models.series import Series


class Measures(models.Model):
    """The additive measures of a rollup; the order of MEASURES is the order the writer counts in."""

    requests = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    client_requests = models.BigIntegerField(default=0)
    client_failed = models.BigIntegerField(default=0)
    uncached = models.BigIntegerField(default=0)
    cache_read = models.BigIntegerField(default=0)
    cache_write = models.BigIntegerField(default=0)
    cache_write_1h = models.BigIntegerField(default=0)
    cache_write_unspecified = models.BigIntegerField(default=0)
    output = models.BigIntegerField(default=0)
    reasoning = models.BigIntegerField(default=0)
    unclassified = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    latency_ms = models.BigIntegerField(default=0)
    latency_count = models.BigIntegerField(default=0)
    ttft_ms = models.BigIntegerField(default=0)
    ttft_count = models.BigIntegerField(default=0)
    without_tokens = models.BigIntegerField(default=0, help_text="Successes without any tokens.")
    cost = models.BigIntegerField(default=0, help_text="Pico-USD.")
    unpriced_tokens = models.BigIntegerField(default=0)
    unpriced_requests = models.BigIntegerField(default=0, help_text="Successes of unknown cost.")

    objects = RollupQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def owner(cls):
        """The column that names the series or the label value of a row."""
        return "series_id" if hasattr(cls, "series") else "label_value_id"


MEASURES = tuple(field.name for field in Measures._meta.fields)
PRICED = ("cost", "unpriced_tokens", "unpriced_requests")  # the last measures: what prices decide
COUNTED = MEASURES[: -len(PRICED)]


class Quarter(Measures):
    """Totals of one series in one quarter of an hour; every zone's hours and days fold from it."""

    pk = models.CompositePrimaryKey("bucket", "series")
    bucket = models.BigIntegerField(help_text="Start, in seconds since the epoch, UTC.")
    series = models.ForeignKey(Series, models.PROTECT, db_index=False, db_constraint=False, related_name="quarters")

    def __str__(self):
        return f"quarter {self.bucket} of series {self.series_id}"


class Day(Measures):
    """Totals of one series on one local day; outlives the events it counts."""

    pk = models.CompositePrimaryKey("bucket", "series")
    bucket = models.IntegerField(help_text="Local calendar date, in days since 1970-01-01.")
    series = models.ForeignKey(Series, models.PROTECT, db_index=False, db_constraint=False, related_name="days")

    def __str__(self):
        return f"day {self.bucket} of series {self.series_id}"
