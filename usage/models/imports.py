"""What was imported from other programs' files, and what that added to days whose events are not kept."""

from datetime import timedelta
from pathlib import Path

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pricing.rates import usd
from usage.models.rollups import Measures
from usage.models.series import Series

UPLOAD_TAKES = timedelta(days=1)  # at most; what is not complete by then was left midway


class ImportQuerySet(models.QuerySet):
    """Imports, and what becomes of those that brought nothing."""

    def left_midway(self):
        """Uploads that were abandoned."""
        return self.filter(state=Import.State.UPLOADING, begun_at__lt=timezone.now() - UPLOAD_TAKES)

    def with_leftovers(self):
        """Ended imports whose uploaded file may still exist, because their process was killed."""
        return self.filter(state__in=(Import.State.DONE, Import.State.UNDONE, Import.State.REFUSED)).exclude(path="")

    def discard(self) -> int:
        """Delete imports that have no events, and their files. Returns how many."""
        paths = list(self.exclude(path="").values_list("path", flat=True))
        count = self.delete()[0]
        for path in paths:
            Path(path).unlink(missing_ok=True)
        return count


class Import(models.Model):
    """One import of one file; its events name it in `Event.imported`. Times are µs since the epoch, UTC."""

    class State(models.TextChoices):
        UPLOADING = "uploading", _("being uploaded")
        LOOKING = "looking", _("being looked at")
        WAITING = "waiting", _("your decision")
        RUNNING = "running", _("under way")
        DONE = "done", _("done")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")
        REFUSED = "refused", _("refused")

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=255, help_text="Of the file, without its folder.")
    path = models.CharField(max_length=1024, blank=True, help_text="Where an uploaded file waits.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the file, in hex.")
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was refused.")  # `found` has its values
    takes = models.JSONField(default=list, help_text="What it takes besides events: prices, aliases.")
    found = models.JSONField(default=dict, help_text="What a look through the file found.")
    begun_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    arrived = models.BigIntegerField(help_text="When its records count as arrived.")
    events_from = models.BigIntegerField(null=True, help_text="Start of the kept detail when it began.")
    position = models.BigIntegerField(default=0, help_text="Up to which the file is stored.")  # before: read
    end = models.BigIntegerField(default=0, help_text="The position at the end of the file.")
    first = models.BigIntegerField(null=True, help_text="Start of its first event.")
    last = models.BigIntegerField(null=True, help_text="Start of its last event.")
    events = models.BigIntegerField(default=0, help_text="New ones, older ones among them.")
    older = models.BigIntegerField(default=0, help_text="Of these: counted in day totals alone.")
    waiting = models.BigIntegerField(default=0, help_text="Of these: stored, and not yet counted in day totals.")
    known = models.BigIntegerField(default=0, help_text="Stored before.")
    differing = models.BigIntegerField(default=0, help_text="Of these: with other tokens or another result there.")
    left_out = models.BigIntegerField(default=0, help_text="Of days before the kept detail that have totals already.")
    dead = models.BigIntegerField(default=0, help_text="Dead letters.")
    cost = models.BigIntegerField(default=0, help_text="Pico-USD, by our prices when it was imported.")
    unpriced = models.BigIntegerField(default=0, help_text="Tokens without a price then.")
    source_cost = models.FloatField(default=0, help_text="USD, as the file has it.")

    objects = ImportQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"import {self.id} of {self.name}"

    @property
    def share(self) -> float:
        """How much of the file is uploaded, looked at or stored, 0 to 1."""
        return min(self.position / self.end, 1.0) if self.end else 0.0

    @property
    def why(self) -> str:
        """Why it was refused, in the reader's language."""
        values = self.found.get("values")
        return gettext(self.reason) % tuple(values) if values else gettext(self.reason)

    @property
    def dollars(self) -> float:
        """The cost by our prices, USD."""
        return usd(self.cost)

    def change(self, add: dict | None = None, **fields):
        """Write these fields, and others with these counts added. One process at a time works on an import."""
        fields |= {name: getattr(self, name) + count for name, count in (add or {}).items()}
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

    def turn(self, before: tuple[str, ...], state: str, **fields) -> bool:
        """Go on to a state, and write these fields, from one of those before; whether it was in one.

        A person may have undone it meanwhile, and a process that stood still may be behind another one.
        """
        turned = type(self).objects.filter(pk=self.pk, state__in=before).update(state=state, **fields)
        self.refresh_from_db()
        return bool(turned)

    def drop_file(self):
        """Remove the uploaded file, if any, once its state says that it is not needed any more."""
        if self.path:
            Path(self.path).unlink(missing_ok=True)
            type(self).objects.filter(pk=self.pk).update(path="")
            self.path = ""


class ImportedDay(Measures):
    """What an import added to a series on a local day whose events are not kept; without cost, which follows prices.

    Several rows may be about the same: they add up.
    """

    imported = models.SmallIntegerField(help_text="The id of the import.")
    bucket = models.IntegerField(help_text="Local calendar date, in days since 1970-01-01.")
    series = models.ForeignKey(Series, models.PROTECT, db_index=False, db_constraint=False, related_name="imports")

    class Meta:
        indexes = [models.Index(fields=["imported", "bucket"], name="imported_day")]

    def __str__(self):
        return f"day {self.bucket} of series {self.series_id} by import {self.imported}"
