"""Events, their labels and their totals. Times are integers: microseconds (events) or bucket numbers, always UTC.

Integers, because the writer inserts past the ORM: a datetime would be stored as text, in two spellings of one instant.
"""

from datetime import timedelta

from django.db import models
from django.utils import timezone

from usage.querysets import EventQuerySet, RollupQuerySet, SeriesQuerySet


class Series(models.Model):
    """One row per distinct label set; every filter is a filter on these few rows."""

    digest = models.BinaryField(max_length=16, unique=True, help_text="BLAKE2b-128 of all labels.")
    instance = models.CharField(max_length=64, blank=True, help_text="Which CPA; one for now.")
    provider = models.CharField(max_length=255, blank=True)
    executor_type = models.CharField(max_length=255, blank=True)
    model = models.ForeignKey("pricing.Model", models.PROTECT, related_name="series")
    requested_model = models.CharField(max_length=255, blank=True)
    source = models.CharField(max_length=255, blank=True, help_text="E-mail or name; a key's fingerprint.")
    source_display = models.CharField(max_length=255, blank=True, help_text="E-mail or name; a key's mask.")
    auth_index = models.CharField(max_length=255, blank=True)
    auth_type = models.CharField(max_length=255, blank=True)
    api_key = models.ForeignKey("aliases.ApiKey", models.PROTECT, related_name="series")
    endpoint = models.CharField(max_length=255, blank=True)
    tier = models.CharField(max_length=16, blank=True)
    context_over = models.BigIntegerField(default=0)
    reasoning_effort = models.CharField(max_length=255, blank=True)
    failed = models.BooleanField(default=False)

    objects = SeriesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "series"

    def __str__(self):
        return f"{self.model} via {self.source_display or self.provider}"

    @property
    def group(self):
        """(key, display) of who is to be named for the usage: the client key, else provider, endpoint, unknown."""
        if self.api_key.fingerprint:
            return self.api_key.fingerprint, str(self.api_key)
        name = self.provider or self.endpoint or "unknown"
        return name, name

    @property
    def account(self):
        """(source, how to show it, auth_index): what tells one upstream account from another."""
        return self.source, self.source_display, self.auth_index


class Client(models.Model):
    """Who called CPA: address and program. A table of its own, for an event repeats it a thousand times."""

    digest = models.BinaryField(max_length=16, unique=True)
    ip = models.CharField(max_length=255, blank=True)
    forwarded_for = models.CharField(max_length=255, blank=True)
    user_agent = models.CharField(max_length=512, blank=True)

    def __str__(self):
        return f"{self.ip} {self.user_agent}"


class Event(models.Model):
    """One upstream attempt, as CPA recorded it."""

    timestamp = models.BigIntegerField(help_text="Start of the attempt, µs since the epoch, UTC.")
    fingerprint = models.BinaryField(max_length=16, help_text="BLAKE2b-128 of the raw record.")
    series = models.ForeignKey(Series, models.PROTECT, db_index=False, related_name="events")
    client = models.ForeignKey(Client, models.PROTECT, db_index=False, related_name="events")
    request_id = models.CharField(max_length=255, blank=True)
    final = models.BooleanField(default=True, help_text="Whether this attempt ended the client's request.")
    latency_ms = models.IntegerField(default=0)
    ttft_ms = models.IntegerField(default=0, help_text="Time to first token; 0 when none came.")
    uncached = models.IntegerField(default=0)
    cache_read = models.IntegerField(default=0)
    cache_write = models.IntegerField(default=0)
    output = models.IntegerField(default=0, help_text="Without reasoning.")
    reasoning = models.IntegerField(default=0)
    unclassified = models.IntegerField(default=0)
    total = models.BigIntegerField(default=0, help_text="CPA's own figure.")
    service_tier = models.CharField(max_length=64, blank=True)
    request_service_tier = models.CharField(max_length=64, blank=True)
    response_service_tier = models.CharField(max_length=64, blank=True)
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
            # Which attempts belong to one request: the writer asks for every record, people for a pasted id.
            models.Index(fields=["request_id"], name="event_request"),
        ]

    def __str__(self):
        return self.key

    @property
    def key(self):
        """What names the event in addresses: its time and fingerprint."""
        return f"{self.timestamp:x}-{bytes(self.fingerprint).hex()}"


class Measures(models.Model):
    """The additive measures of a rollup; the order of MEASURES is the order the writer counts in."""

    requests = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    client_requests = models.BigIntegerField(default=0)
    client_failed = models.BigIntegerField(default=0)
    uncached = models.BigIntegerField(default=0)
    cache_read = models.BigIntegerField(default=0)
    cache_write = models.BigIntegerField(default=0)
    output = models.BigIntegerField(default=0)
    reasoning = models.BigIntegerField(default=0)
    unclassified = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    latency_ms = models.BigIntegerField(default=0)
    latency_count = models.BigIntegerField(default=0)
    ttft_ms = models.BigIntegerField(default=0)
    ttft_count = models.BigIntegerField(default=0)
    cost = models.BigIntegerField(default=0, help_text="Pico-USD.")
    unpriced_tokens = models.BigIntegerField(default=0)

    objects = RollupQuerySet.as_manager()

    class Meta:
        abstract = True

    @staticmethod
    def measures():
        """Names of the measures, in the order the writer counts in."""
        return MEASURES


MEASURES = tuple(field.name for field in Measures._meta.fields)


class Quarter(Measures):
    """Totals of one series in one quarter of an hour; every zone's hours and days fold from it."""

    pk = models.CompositePrimaryKey("bucket", "series")
    bucket = models.BigIntegerField(help_text="Start, in seconds since the epoch, UTC.")
    series = models.ForeignKey(Series, models.PROTECT, db_index=False, related_name="quarters")

    def __str__(self):
        return f"quarter {self.bucket} of series {self.series_id}"


class Day(Measures):
    """Totals of one series on one local day; outlives the events it counts."""

    pk = models.CompositePrimaryKey("bucket", "series")
    bucket = models.IntegerField(help_text="Local calendar date, in days since 1970-01-01.")
    series = models.ForeignKey(Series, models.PROTECT, db_index=False, related_name="days")

    def __str__(self):
        return f"day {self.bucket} of series {self.series_id}"


class DeadLetter(models.Model):
    """A record that could not be stored, whole, so that nothing is lost while its cause is found."""

    class Kind(models.TextChoices):
        MALFORMED = "malformed", "cannot be read"
        TOO_LATE = "too_late", "older than the kept detail"

    fingerprint = models.BinaryField(max_length=16, unique=True)
    raw = models.BinaryField()
    kind = models.CharField(max_length=16, choices=Kind)
    reason = models.CharField(max_length=500)
    arrived = models.BigIntegerField(help_text="µs since the epoch, UTC.")

    class Meta:
        ordering = ["-arrived"]

    def __str__(self):
        return self.reason


class LimitReading(models.Model):
    """The newest rate-limit headers an upstream sent about an account."""

    auth_index = models.CharField(max_length=255, unique=True)
    seen_at = models.BigIntegerField(help_text="µs since the epoch, UTC.")
    headers = models.JSONField(default=dict)

    def __str__(self):
        return self.auth_index


class Turn(models.Model):
    """Who may do what only one process at a time should: a right that ends by itself, should its holder die."""

    name = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField()

    def __str__(self):
        return f"{self.name} until {self.until}"

    @classmethod
    def take(cls, name: str, span: timedelta) -> "Turn | None":
        """The right to `name` for so long; None while another has it."""
        now = timezone.now()
        turn, made = cls.objects.get_or_create(name=name, defaults={"until": now + span})
        if made or cls.objects.filter(pk=name, until__lte=now).update(until=now + span):
            return turn if made else cls(name, now + span)
        return None

    def extend(self, span: timedelta) -> bool:
        """Keep the right for so long from now; False when it has passed to another."""
        until = timezone.now() + span
        kept = type(self).objects.filter(pk=self.name, until=self.until).update(until=until)
        self.until = until
        return bool(kept)

    def end(self):
        """Give the right back, if it is still ours."""
        type(self).objects.filter(pk=self.name, until=self.until).delete()


class Gap(models.Model):
    """A span in which records may have been lost, shown rather than hidden."""

    start = models.DateTimeField()
    end = models.DateTimeField()
    reason = models.CharField(max_length=500)

    class Meta:
        ordering = ["-start"]

    def __str__(self):
        return f"{self.start} to {self.end}: {self.reason}"


class DrainState(models.Model):
    """How the drain is doing and which state the totals are in, in the only row of its table."""

    data_version = models.BigIntegerField(default=0, help_text="Moves with every change of events or rollups.")
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
    last_pop_at = models.DateTimeField(null=True)
    last_inserted_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)
    last_error_at = models.DateTimeField(null=True)
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
