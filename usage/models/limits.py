"""What upstreams say about the limits of an account."""

from django.db import models


class LimitReading(models.Model):
    """The newest rate-limit headers an upstream sent about an account."""

    auth_index = models.CharField(max_length=255, unique=True)
    seen_at = models.BigIntegerField(help_text="µs since the epoch, UTC.")
    headers = models.JSONField(default=dict)

    def __str__(self):
        return self.auth_index
