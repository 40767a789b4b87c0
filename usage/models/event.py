"""Single attempts, and what could not become one."""

from django.db import models

from usage.models.querysets import EventQuerySet
from usage.models.series import Client, Series


class Event(models.Model):
    """One upstream attempt, as CPA recorded it."""

    timestamp = models.BigIntegerField(help_text="Start of the attempt, µs since the epoch, UTC.")
    fingerprint = models.BinaryField(max_length=16, help_text="BLAKE2b-128 of the raw record.")
    # No constraint, of rollups neither: for each label set that goes PostgreSQL would look through all events.
    series = models.ForeignKey(Series, models.PROTECT, db_index=False, db_constraint=False, related_name="events")
    client = models.ForeignKey(Client, models.PROTECT, db_index=False, db_constraint=False, related_name="events")
    request_id = models.CharField(max_length=255, blank=True)
    ended_day = models.IntegerField(default=0, help_text="UTC day in which the attempt ended, since 1970-01-01.")
    final = models.BooleanField(default=True, help_text="Whether this attempt ended the client's request.")
    # No index: undoing an import reads the span of its events, and all others pay a null each.
    imported = models.SmallIntegerField(null=True, help_text="The import that it came by, if no drain brought it.")
    latency_ms = models.IntegerField(default=0)
    ttft_ms = models.IntegerField(default=0, help_text="Time to first token; 0 when none came.")
    uncached = models.IntegerField(default=0)
    cache_read = models.IntegerField(default=0)
    cache_write = models.IntegerField(default=0, help_text="Kept for five minutes.")
    cache_write_1h = models.IntegerField(default=0)
    cache_write_unspecified = models.IntegerField(default=0, help_text="Kept for a time that CPA does not tell.")
    output = models.IntegerField(default=0, help_text="Without reasoning.")
    reasoning = models.IntegerField(default=0)
    unclassified = models.IntegerField(default=0)
    total = models.BigIntegerField(default=0, help_text="CPA's own figure.")
    service_tier = models.CharField(max_length=64, blank=True)
    request_service_tier = models.CharField(max_length=64, blank=True)
    response_service_tier = models.CharField(max_length=64, blank=True)
    failed = models.BooleanField(default=False)
    fail_status_code = models.IntegerField(default=0)
    fail_body = models.TextField(blank=True)
    fail_body_length = models.IntegerField(default=0, help_text="Characters before it was cut.")
    claimed = models.BigIntegerField(null=True, help_text="The time it claimed, where that was not believed.")

    objects = EventQuerySet.as_manager()

    class Meta:
        constraints = [
            # Removes duplicates and serves every time range; records arrive nearly in order, so it grows at its edge.
            models.UniqueConstraint(fields=["timestamp", "fingerprint"], name="event_identity"),
        ]
        indexes = [
            # Which attempts belong to one request: the writer asks for every record, people for a pasted id. Ids are
            # random: by themselves they would spread what is written over the whole index, a page for each event.
            models.Index(fields=["ended_day", "request_id"], name="event_request"),
            # Why requests failed: successes have no place in it.
            models.Index(fields=["timestamp"], condition=models.Q(failed=True), name="event_failed"),
        ]

    def __str__(self):
        return self.key

    @property
    def key(self):
        """What names the event in addresses: its time and fingerprint."""
        return key_of(self.timestamp, self.fingerprint)


def key_of(timestamp: int, fingerprint: bytes) -> str:
    """The key of the event with this time (µs) and fingerprint."""
    return f"{timestamp:x}-{bytes(fingerprint).hex()}"


class DeadLetter(models.Model):
    """A record that could not be stored, whole, so that nothing is lost while its cause is found."""

    class Kind(models.TextChoices):
        MALFORMED = "malformed", "cannot be read"
        TOO_LATE = "too_late", "older than the kept detail"
        IMPORTED = "imported", "of a file, and cannot be read"

    fingerprint = models.BinaryField(max_length=16, unique=True)
    raw = models.BinaryField()
    kind = models.CharField(max_length=16, choices=Kind)
    reason = models.CharField(max_length=500)
    arrived = models.BigIntegerField(help_text="µs since the epoch, UTC.")

    class Meta:
        ordering = ["-arrived"]

    def __str__(self):
        return self.reason
