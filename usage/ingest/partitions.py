"""Partitions of the events on PostgreSQL, so that retention drops what is old and a period is read from few of them.

A local day each, for retention removes days; a week where so many days are kept that a query of all of them would need
more locks than PostgreSQL has by default. One begins where its neighbour ends, so that another zone or another length
only shifts the next bound. SQLite has none: there is none to make, to drop or to look at.
"""

import logging
import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime
from operator import attrgetter
from typing import NamedTuple

from django.conf import settings
from django.db import OperationalError, connection, transaction

from usage.models import Event
from usage.time.periods import date_of, day_start, first_of_week, local_day
from usage.time.units import DAY_US, SECOND_US

log = logging.getLogger(__name__)

MOST_DAYS = 100  # kept in partitions of a day
LONGEST_US = 2**31 * 1000  # that an attempt can take: its latency is stored in ms
LOCK_MS = 2_000  # that a drop waits for readers
TABLE = Event._meta.db_table
_BOUNDS = re.compile(r"FROM \('(-?\d+)'\) TO \('(-?\d+)'\)")
_PARTITIONS = """
SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition AND relkind = 'r'
AND oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %s::regclass)
"""


class Partition(NamedTuple):
    """Holds the events of [start, end) µs."""

    start: int
    end: int
    name: str


def partitions(database=connection) -> list[Partition]:
    """All partitions of a database, in order."""
    if database.vendor == "sqlite":
        return []
    with database.cursor() as cursor:
        cursor.execute(_PARTITIONS, [TABLE])
        found = ((*map(int, _BOUNDS.search(bounds).groups()), name) for name, bounds in cursor.fetchall())
        return sorted(Partition(*each) for each in found)


def span_of(time: int) -> tuple[int, int]:
    """Start and end (µs) of the local day, or week, that a moment (µs) belongs to."""
    zone = settings.TIME_ZONE
    day = local_day(time // SECOND_US, zone)
    first, days = (day, 1) if 0 < settings.USAGE_RETENTION_DAYS <= MOST_DAYS else (first_of_week(day), 7)
    return day_start(date_of(first), zone) * SECOND_US, day_start(date_of(first + days), zone) * SECOND_US


def attach(cursor, partition: Partition):
    """Make a table a partition, for which no reader waits."""
    start, end, name = partition
    cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})")


class Partitions:
    """Remembers which there are, and makes those that are missing: in the writers' transaction, so one at a time."""

    def __init__(self, database=connection):
        self._database, self._found = database, partitions(database)

    def cover(self, times: Iterable[int], since: int | None = None):
        """Make sure that events of these times (µs) have a partition each; all of before `since` one together, for
        they stay only until an import is done."""
        if self._database.vendor == "sqlite":
            return
        end, looked = -1, False
        for time in sorted(times):
            if time < end:
                continue
            if not self._holding(time) and not looked:
                self._found, looked = partitions(self._database), True  # another writer may have made it
            end = (self._holding(time) or self._make(time, since or 0)).end

    def _holding(self, time):
        at = self._place(time)
        return self._found[at - 1] if at and time < self._found[at - 1].end else None

    def _place(self, time):
        return bisect_right(self._found, time, key=attrgetter("start"))

    def _make(self, time, since):
        at, (start, end) = self._place(time), span_of(time) if time >= since else (0, since)
        if at:
            start = max(start, self._found[at - 1].end)
        if at < len(self._found):
            end = min(end, self._found[at].start)
        made = Partition(start, end, f"{TABLE}_{datetime.fromtimestamp(start // SECOND_US, UTC):%Y%m%d_%H%M}")
        with self._database.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {made.name} (LIKE {TABLE} INCLUDING ALL)")
            attach(cursor, made)
        self._found.insert(at, made)
        return made


class Edges:
    """Where attempts are that ended on a day or later: as of when it was made, for many days.

    An attempt may take weeks, but few do: their partitions need not be searched for each request.
    """

    def __init__(self):
        self._partitions = partitions()
        self._stop = Event.objects.days().stop if connection.vendor == "sqlite" else 0

    def since(self, day: int) -> tuple[int | None, int]:
        """Where the first partition begins (µs) of those with attempts that ended on a UTC day since 1970-01-01, or
        later; and the day after the last on which any ended. No beginning on SQLite, and where there are none.
        """
        around = [each for each in self._partitions if each.end > day * DAY_US - LONGEST_US]
        if not around:
            return None, self._stop
        newest = ", ".join(f"(SELECT max(ended_day) FROM {each.name})" for each in around)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {newest}")
            ended = [(last or 0, each.start) for last, each in zip(cursor.fetchone(), around, strict=True)]
        return min((start for last, start in ended if last >= day), default=None), max(ended)[0] + 1


def drop(partition: Partition) -> int | None:
    """Drop a partition that no writer uses any more; how many events went, None where its readers take too long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {partition.name}")
            events = cursor.fetchone()[0]
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")  # readers that come meanwhile wait as long
            cursor.execute(f"DROP TABLE {partition.name}")
    except OperationalError as error:
        log.info("%s stays for now: %s", partition.name, error)
        return None
    return events
