"""The state of the drain, and leases on work that one process does at a time."""

import platform
from datetime import datetime, timedelta

from django.db import OperationalError, models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

OWNED = timedelta(seconds=5)  # for which the right to drain lasts: a drain that is gone is replaced within 10
WANTED = timedelta(seconds=3)  # for which a drain that stands by keeps the others from taking it


class LockLost(OperationalError):
    """Another drain has the right to drain by now, so this one may write nothing more."""


class ClockTimestamp(models.Func):
    """The time by the clock of PostgreSQL; in a statement that waited for a row, after the wait."""

    function, output_field = "clock_timestamp", models.DateTimeField()


class Lease(models.Model):
    """The right of one process to do some work; it expires by itself if that process dies."""

    MOVE = "move from "  # what the name begins with in a database that manage.py movedata copies to

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

    def lock(self) -> bool:
        """Keep others from taking the lease until this transaction ends, however long; False when one has it by then.

        On SQLite a transaction that writes does so anyway.
        """
        return type(self).objects.select_for_update().filter(pk=self.name, until=self.until).first() is not None

    def release(self):
        """End the lease, unless another process has taken it."""
        type(self).objects.filter(pk=self.name, until=self.until).delete()

    @classmethod
    def is_move_cut_off(cls, since: datetime) -> bool:
        """Whether this database is to take the place of one that takes records again, as the move was cut off: its
        command was not at work after `since`, nor just now.
        """
        seen = max(since, timezone.now() - timedelta(seconds=2))
        moves = cls.objects.filter(name__startswith=cls.MOVE, until__lte=seen)
        return moves.exists() and not DrainState.objects.filter(heartbeat_at__isnull=False).exists()


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
    # On PostgreSQL; on SQLite the right to drain is a lock on a file. Times are by the database's clock.
    owner = models.CharField(max_length=32, blank=True, help_text="The run of a drain that may write.")
    owned_until = models.DateTimeField(null=True, help_text="Until when, if it does not renew that.")
    host = models.CharField(max_length=255, blank=True, help_text="The machine that it runs on.")
    wanted_until = models.DateTimeField(null=True, help_text="Until then a drain with records to store has precedence.")

    def __str__(self):
        return f"{gettext('collector')} ({self.mode})" if self.mode else gettext("collector")

    @classmethod
    def load(cls):
        """The row; a fresh unsaved one before the first drain."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)

    @classmethod
    def lock(cls, owner: str = ""):
        """Take the writers' lock for the rest of this transaction, mark the data as changed, and return the row.

        Everything that writes events or rollups begins with this: on PostgreSQL the row's lock makes writers queue up,
        on SQLite the transaction holds the only write lock already. A drain names itself as the `owner`, which renews
        its right; raises LockLost when that is another's.
        """
        changes = {"data_version": models.F("data_version") + 1}
        if owner:
            cls.renew(owner, **changes)
        elif not cls.objects.filter(pk=1).update(**changes):
            cls.objects.get_or_create(pk=1)
            return cls.lock()
        return cls.objects.get(pk=1)

    @classmethod
    def claim(cls, owner: str, has_records: bool) -> str:
        """Take the right to drain: "free" or "lapsed" is what it was, "" while another has it. PostgreSQL alone.

        A drain that `has_records` of its own to store asks for it where it is not free, and then comes first.
        """
        row, _ = cls.objects.get_or_create(pk=1)
        rows, unwanted = cls.objects.filter(pk=row.pk), models.Q() if has_records else ~models.Q(wanted_until__gt=Now())
        mine = {"owner": owner, "owned_until": ClockTimestamp() + OWNED, "host": platform.node(), "wanted_until": None}
        if rows.filter(unwanted, owner="").update(**mine):
            return "free"
        if rows.filter(owned_until__lt=Now()).update(**mine):  # before the wait for the row, which ends no right
            return "lapsed"
        if has_records:
            rows.update(wanted_until=ClockTimestamp() + WANTED)
        return ""

    @classmethod
    def is_wanted(cls) -> bool:
        """Whether a drain that stands by asks for the right."""
        return cls.objects.filter(pk=1, wanted_until__gt=Now()).exists()

    @classmethod
    def release(cls, owner: str):
        """Let another drain have the right, unless it has it already."""
        cls.objects.filter(pk=1, owner=owner).update(owner="", owned_until=None)

    @classmethod
    def renew(cls, owner: str, **changes):
        """Keep the right for OWNED from now, also when it has lapsed; raises LockLost when another has it."""
        if not cls.objects.filter(pk=1, owner=owner).update(owned_until=ClockTimestamp() + OWNED, **changes):
            raise LockLost("Another drain has taken over.")

    @classmethod
    def labels_go(cls):
        """As lock(), before label sets, label values or clients go: no writer goes on with rows it remembers."""
        cls.lock()
        cls.objects.filter(pk=1).update(labels_revision=models.F("labels_revision") + 1)
