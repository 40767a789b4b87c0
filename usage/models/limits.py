"""What upstreams say about the limits of an account."""

from django.db import models


class LimitReading(models.Model):
    """The newest rate-limit headers an upstream sent about an account."""

    auth_index = models.CharField(max_length=255, unique=True)
    seen_at = models.BigIntegerField(help_text="µs since the epoch, UTC.")
    headers = models.JSONField(default=dict)

    def __str__(self):
        return self.auth_index


class PastReading(models.Model):
    """The last changed rate-limit headers of an account in an hour: how its quota was used up. Goes with retention."""

    hour = models.BigIntegerField(help_text="Start, in seconds since the epoch, UTC.")
    auth_index = models.CharField(max_length=255)
    seen_at = models.BigIntegerField(help_text="µs since the epoch, UTC.")
    headers = models.JSONField(default=dict, help_text="Without the ids of requests.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "auth_index"], name="one_past_reading_an_hour")]

    def __str__(self):
        return f"{self.auth_index} in hour {self.hour}"
