"""The state of the drain, and leases on work that one process does at a time."""

from datetime import timedelta

from django.db import models
from django.utils import timezone


class Lease(models.Model):
    """The right of one process to do some work; it expires by itself if that process dies."""

    name = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField()

    def __str__(self):
        return f"{self.name} until {self.until}"

    @classmethod
    def take(cls, name: str, span: timedelta) -> "Lease | None":
        """Take the lease `name` for `span`; None while another process holds it."""
        now = timezone.now()
        lease, created = cls.objects.get_or_create(name=name, defaults={"until": now + span})
        if created or cls.objects.filter(pk=name, until__lte=now).update(until=now + span):
            return lease if created else cls(name, now + span)
        return None

    def extend(self, span: timedelta) -> bool:
        """Hold the lease for `span` from now; False when it had expired and another process took it."""
        until = timezone.now() + span
        held = type(self).objects.filter(pk=self.name, until=self.until).update(until=until)
        self.until = until
        return bool(held)

    def release(self):
        """End the lease, unless another process has taken it."""
        type(self).objects.filter(pk=self.name, until=self.until).delete()


class DrainState(models.Model):
    """How the drain is doing and which state the totals are in, in the only row of its table."""

    data_version = models.BigIntegerField(default=0, help_text="Moves with every change of events or rollups.")
    labels_revision = models.BigIntegerField(
        default=0, help_text="Moves when label sets or clients go: writers forget which rows they remember."
    )
    zone = models.CharField(max_length=64, blank=True, help_text="The zone the day rollups were counted in.")
    events_from = models.BigIntegerField(null=True, help_text="Start of kept events, µs: always a local midnight.")
    mode = models.CharField(max_length=16, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    batches_popped = models.BigIntegerField(default=0)
    total_inserted = models.BigIntegerField(default=0)
    total_deduped = models.BigIntegerField(default=0)
    total_decode_errors = models.BigIntegerField(default=0)
    total_too_late = models.BigIntegerField(default=0)
    total_folded = models.BigIntegerField(default=0, help_text="Records whose labels went to (other).")
    unknown_fields = models.JSONField(default=list, help_text="Names of fields of records that we do not know.")
    last_pop_at = models.DateTimeField(null=True)
    last_inserted_at = models.DateTimeField(null=True)
    counted = models.JSONField(default=dict, help_text="CPA's own counters when they last agreed with what we stored.")
    lag_ms = models.BigIntegerField(default=0, help_text="Arrival to commit of the last batch.")
    spool_files = models.BigIntegerField(default=0)
    spool_bytes = models.BigIntegerField(default=0)
    proved_at = models.DateTimeField(null=True, help_text="When manage.py verify was last through.")
    proof = models.CharField(max_length=500, blank=True, help_text="What it found.")
    proof_holds = models.BooleanField(null=True, help_text="Whether all was as it should be.")

    def __str__(self):
        return f"drain in mode {self.mode or 'unknown'}"

    @classmethod
    def load(cls):
        """The row; a fresh unsaved one before the first drain."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)

    @classmethod
    def lock(cls):
        """Take the writers' lock for the rest of this transaction, mark the data as changed, and return the row.

        Everything that writes events or rollups begins with this: on PostgreSQL the row's lock makes writers queue up,
        on SQLite the transaction holds the only write lock already.
        """
        if not cls.objects.filter(pk=1).update(data_version=models.F("data_version") + 1):
            cls.objects.get_or_create(pk=1)
            return cls.lock()
        return cls.objects.get(pk=1)

    @classmethod
    def labels_go(cls):
        """As lock(), before label sets, label values or clients go: no writer goes on with rows it remembers."""
        cls.lock()
        cls.objects.filter(pk=1).update(labels_revision=models.F("labels_revision") + 1)
