"""Label sets and callers: what events repeat, kept once."""

from django.db import models

from usage.models.labels import Label
from usage.models.querysets import SeriesQuerySet


class Series(models.Model):
    """One row per distinct label set; every filter is a filter on these few rows."""

    digest = models.BinaryField(max_length=16, unique=True, help_text="BLAKE2b-128 of all labels.")
    instance = models.CharField(max_length=64, blank=True, help_text="Which CPA; one for now.")
    provider = models.CharField(max_length=255, blank=True)
    executor_type = models.CharField(max_length=255, blank=True)
    model = models.ForeignKey("pricing.Model", models.PROTECT, db_index=False, related_name="series")
    requested_model = models.CharField(max_length=255, blank=True)
    source = models.CharField(max_length=255, blank=True, help_text="E-mail or name; a key's fingerprint.")
    source_display = models.CharField(max_length=255, blank=True, help_text="E-mail or name; a key's mask.")
    auth_index = models.CharField(max_length=255, blank=True)
    auth_type = models.CharField(max_length=255, blank=True)
    api_key = models.ForeignKey("aliases.ApiKey", models.PROTECT, db_index=False, related_name="series")
    endpoint = models.CharField(max_length=255, blank=True)
    tier = models.CharField(max_length=16, blank=True)
    context_over = models.BigIntegerField(default=0)
    reasoning_effort = models.CharField(max_length=255, blank=True)
    failed = models.BooleanField(default=False)
    status = models.IntegerField(null=True, help_text="Status code of a failure, 0 for none; null of a success.")
    clock = models.IntegerField(
        default=0, help_text="Minute of the UTC day from which on prices of the model are as they were then."
    )

    objects = SeriesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "series"

    def __str__(self):
        return f"{self.model} via {self.source_display or self.provider}"

    @classmethod
    def values_of(cls, label: Label):
        """Tuples of the columns that name each stored value of a label; models and client keys without usage too."""
        field = cls._meta.get_field(label.field)
        rows = field.related_model if field.is_relation else cls
        return rows.objects.order_by().values_list(*label.columns).distinct()


class Client(models.Model):
    """Who called CPA: address and program. A table of its own, for an event repeats it a thousand times."""

    digest = models.BinaryField(max_length=16, unique=True)
    ip = models.CharField(max_length=255, blank=True)
    forwarded_for = models.CharField(max_length=255, blank=True)
    user_agent = models.CharField(max_length=512, blank=True)

    def __str__(self):
        return f"{self.ip} {self.user_agent}"
