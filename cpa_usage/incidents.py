"""Incidents: what went wrong, since when, and until when; every process notes its own, and all pages read them."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

GOES_ON = timedelta(minutes=1)  # what is wrong again so soon was not over


class Incident(models.Model):
    """One thing that is wrong, or was. Of each kind at most one lasts at a time."""

    kind = models.CharField(max_length=32)
    sentence = models.CharField(max_length=500, help_text="As it was last reported, without secrets.")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, help_text="Empty while it lasts.")

    class Meta:
        ordering = ["-since", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=models.Q(until=None), name="one_incident_of_a_kind")
        ]

    def __str__(self):
        return f"{self.kind} since {self.since:%Y-%m-%d %H:%M} UTC"

    @classmethod
    def begin(cls, kind: str, sentence: str, since=None):
        """Note what is wrong, `since` a moment or from now on. An incident that lasts, or ended just now, goes on."""
        now = timezone.now()
        latest = cls.objects.filter(kind=kind).first()
        if latest and (latest.until is None or latest.until > now - GOES_ON):
            cls.objects.filter(pk=latest.pk).update(sentence=sentence[:500], until=None)
        else:
            fields = {"sentence": sentence[:500], "since": since or now}
            cls.objects.get_or_create(kind=kind, until=None, defaults=fields)

    @classmethod
    def end(cls, *kinds: str):
        """End the incidents of these kinds; those that have ended before stay as they are."""
        cls.objects.filter(kind__in=kinds, until=None).update(until=timezone.now())
