"""What is too old goes, bit by bit, so that neither the drain nor a reader ever waits for it.

Whole local days of events, with their quarter hours; their day rollups stay. Where the kept detail begins is written
first and the rows go after, so a run may be cut off anywhere and the next one carries on.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from usage.ingest.partitions import MOST_DAYS, drop, partitions
from usage.models import (
    DeadLetter,
    DrainState,
    Duration,
    Event,
    Gap,
    LabelQuarter,
    LabelValue,
    Lease,
    PastReading,
    Quarter,
)
from usage.rollups.forgetting import forget_clients, forget_labels
from usage.rollups.imported import note_closed
from usage.rollups.rebuild import follow_zone
from usage.time.periods import date_of, day_start, first_of_week, local_day, whole_hour
from usage.time.units import DAY_S, SECOND_US

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # outlasts any slice; a run that died blocks the next one no longer
ROWS_AT_ONCE = 5_000  # in one transaction: a fraction of a second
VALUES_AT_ONCE = 100  # of labels: a pause for each would take hours where a flood has left many
PAUSE_SECONDS = 0.15  # SQLite's waiting writers look every 100 ms whether it is their turn
VACUUM_PAGES = 2_000
LOGS_OF_A_DAY = "*-[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].log"  # as cpa_usage.logs names them


class Removed(NamedTuple):
    """What a run took away: rows, and bytes given back to the file system."""

    events: int = 0
    quarters: int = 0
    letters: int = 0
    gaps: int = 0
    bytes: int = 0


def expire(pause: Callable[[float], object] = time.sleep) -> Removed | None:
    """Remove what is older than USAGE_RETENTION_DAYS (0: nothing is), and give its space back.

    None while another process is at it. `pause` is called between slices, outside of any transaction.
    """
    lease = Lease.take("retention", LEASE)
    if lease is None:
        return None
    try:
        return _expire(Slices(lease, pause))
    finally:
        lease.release()


def _expire(slices):
    follow_zone()
    if settings.USAGE_RETENTION_DAYS:
        move_events_from(first_kept_day())
    start = DrainState.load().events_from
    removed = Removed()
    if start is not None:
        removed = Removed(
            events=_events(slices, start),
            quarters=_quarters(slices, start // SECOND_US),
            **_old_letters_and_gaps(slices),
        )
        slices.delete(Duration.objects.filter(bucket__lt=whole_hour(start // SECOND_US)), "bucket")
        slices.delete(PastReading.objects.filter(hour__lt=start // SECOND_US), "hour")
        if any(removed):
            with transaction.atomic():
                DrainState.lock()  # what a request id finds has changed
        log.info("Forgot %d callers, %d labels.", forget_clients(), forget_labels(slices.between))
    return removed._replace(bytes=give_space_back(slices.between))


def _events(slices, start):
    """Events before a moment in µs: whole partitions are dropped, the rows of others, or of those in use, deleted."""
    events = 0
    for partition in partitions():
        if partition.end > start or (dropped := drop(partition)) is None:
            break  # a reader is in the way, also of the others: each try holds all readers up for as long as it waits
        events += dropped
        slices.between(0)
    return events + slices.delete(Event.objects.filter(timestamp__lt=start), "timestamp")


def _quarters(slices, start):
    """Quarter hours before a second; those of label values some values after the others, as they are stored."""
    values = list(LabelValue.objects.order_by("id").values_list("id", flat=True))
    for at in range(0, len(values), VALUES_AT_ONCE):
        some = values[at : at + VALUES_AT_ONCE]
        slices.delete(LabelQuarter.objects.filter(label_value__in=some, bucket__lt=start), "bucket")
    return slices.delete(Quarter.objects.filter(bucket__lt=start), "bucket")


def _old_letters_and_gaps(slices):
    """Dead letters and gaps have their own times: they go when they are as old as the events that go."""
    if not settings.USAGE_RETENTION_DAYS:
        return {}
    start = day_start(date_of(first_kept_day()), settings.TIME_ZONE)
    letters = DeadLetter.objects.filter(arrived__lt=start * SECOND_US)
    gaps = Gap.objects.filter(end__lt=datetime.fromtimestamp(start, tz=timezone.get_current_timezone()))
    return {"letters": slices.delete(letters, "arrived"), "gaps": gaps.delete()[0]}


def first_kept_day() -> int:
    """Number of the first local day to keep: today and USAGE_RETENTION_DAYS whole days before it are.

    Of many days whole weeks are kept, as partitions hold them.
    """
    day = local_day(int(timezone.now().timestamp()), settings.TIME_ZONE) - settings.USAGE_RETENTION_DAYS
    return first_of_week(day) if settings.USAGE_RETENTION_DAYS > MOST_DAYS else day


def move_events_from(day: int):
    """Let the kept detail begin with this local day; it never moves back, for what is gone is gone."""
    start = day_start(date_of(day), settings.TIME_ZONE) * SECOND_US
    with transaction.atomic():
        state = DrainState.lock()
        if state.events_from is None or state.events_from < start:
            note_closed(state.events_from, start)
            DrainState.objects.filter(pk=1).update(events_from=start)


class Slices:
    """Deletes some rows a transaction, with room for others between them."""

    def __init__(self, lease, pause, span=LEASE):
        self.lease, self.pause, self.span = lease, pause, span

    def delete(self, rows: QuerySet, column: str) -> int:
        """Delete the rows in the order of an indexed column; returns how many there were."""
        ordered, deleted = rows.order_by(column).values_list(column, flat=True), 0
        while edge := ordered[ROWS_AT_ONCE - 1 : ROWS_AT_ONCE] or ordered.reverse()[:1]:
            began = time.monotonic()
            deleted += rows.filter(**{f"{column}__lte": edge[0]}).delete()[0]
            self.between(time.monotonic() - began)
        return deleted

    def between(self, seconds: float):
        """Let others have the database, after it was held for so long."""
        self.pause(max(PAUSE_SECONDS, seconds))
        self.hold()

    def hold(self):
        """Keep the lease, in work that holds nothing of the database; raises LeaseLost where it is another's."""
        _require(self.lease.extend(self.span))

    def lock(self):
        """The same for as long as this transaction lasts, whose writes no other run can miss then."""
        _require(self.lease.lock())


def _require(is_ours):
    if not is_ours:
        raise LeaseLost("another retention run has taken over")


class LeaseLost(Exception):
    """The run stood still for so long that another one began."""


def give_space_back(between: Callable[[float], object]) -> int:
    """Hand free pages of SQLite's file to the file system; returns bytes. PostgreSQL's autovacuum sees to itself."""
    if connection.vendor != "sqlite":
        return 0
    if _pragma("auto_vacuum") != 2:
        if _pragma("freelist_count"):
            log.warning("%s", NO_AUTO_VACUUM)
        return 0
    before = _pragma("page_count")
    while (free := _pragma("freelist_count")) > 0:
        # Through the cursor the pragma frees a single page a call: it is a query whose rows must be fetched.
        connection.connection.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
        if _pragma("freelist_count") >= free:
            break
        between(0)
    _pragma("wal_checkpoint(PASSIVE)")  # the file shrinks when the log is written into it
    return (before - _pragma("page_count")) * _pragma("page_size")


NO_AUTO_VACUUM = (
    "The database file was made without auto_vacuum, so it does not shrink. Stop all processes once and run: "
    'sqlite3 <file> "PRAGMA auto_vacuum=INCREMENTAL; VACUUM;"'
)


def _pragma(name):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]


def prune_logs(directory: Path, days: int, now: float) -> int:
    """Remove log files untouched for so many days (0: none), of any process; returns how many."""
    if not days or not directory.is_dir():
        return 0
    old = [path for path in directory.glob(LOGS_OF_A_DAY) if path.stat().st_mtime < now - days * DAY_S]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
