"""Moving everything to another database, SQLite or PostgreSQL, while records come in.

A chunk at a time, a local day or some label values of a table, is copied in one transaction and compared by its sums. A
move that was cut off goes on: chunks that are equal by then are left as they are. The old database is only read, and
its lock of writers is held all the while, so that records wait in the drain's spool.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from typing import NamedTuple

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management.base import CommandError
from django.core.management.color import no_style
from django.db import connections, models, transaction
from django.db.models import F

from cpa_usage.database.versions import OURS
from cpa_usage.keys import fingerprint
from usage.ingest.partitions import Partitions
from usage.models import COUNTS, MEASURES, Day, DrainState, Duration, Event, LabelDay, LabelQuarter, Lease, Quarter
from usage.rollups.counting import edges_of
from usage.time.periods import date_of, local_day
from usage.time.units import DAY_S, QUARTER_S, QUARTER_US

OLD, NEW = "default", "moving"  # aliases of the two databases
NEVER = datetime.fromtimestamp(0, UTC)
AT_ONCE = 5_000  # rows in memory
LABEL_VALUES = 20  # of kept totals, which lie side by side by value, in a chunk
# What PostgreSQL needs to be told: one state of everything is read, and to be idle for long means to wait for a person.
_STILL = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "LOCK TABLE {tables} IN EXCLUSIVE MODE",
)
# Of the drain's state: what belongs to the drain at work on the old database.
_NO_DRAIN = {"heartbeat_at": None, "owner": "", "owned_until": None, "wanted_until": None}


class Chunk(NamedTuple):
    """The rows of a table whose column lies in [start, end); `name` tells people which those are."""

    model: type[models.Model]
    name: str
    column: str
    start: int
    end: int

    def rows(self, alias: str):
        """Of one of the two databases."""
        edges = {f"{self.column}__gte": self.start, f"{self.column}__lt": self.end}
        return self.model.objects.using(alias).filter(**edges)

    def is_equal(self) -> bool:
        """Whether both databases have the same sums of every measure, by series, label value or model and kind.

        Events by their import too: what the drain brings as well leaves it, which changes no sum.
        """
        return set(_SUMS[self.model](self.rows(OLD))) == set(_SUMS[self.model](self.rows(NEW)))


_SUMS = {
    Event: lambda rows: rows.measured("series_id", "imported"),
    Quarter: lambda rows: rows.sums_of(MEASURES, "series_id"),
    Day: lambda rows: rows.sums_of(MEASURES, "series_id"),
    LabelQuarter: lambda rows: rows.annotate(day=F("bucket") / DAY_S).sums_of(MEASURES, "label_value_id", "day"),
    LabelDay: lambda rows: rows.sums_of(MEASURES, "label_value_id", "bucket"),
    Duration: lambda rows: rows.sums_of(COUNTS, "model_id", "kind"),
}


class Move:
    """A move from the default database to that of the alias NEW."""

    def __init__(self):
        self.rows = 0  # of the old database, when they are locked
        self._mark = f"{Lease.MOVE}{fingerprint(str(_address(OLD)))[:32]}"

    def refuse_foreign(self):
        """Raises CommandError unless the new database is empty or holds chunks of this move; before it is migrated."""
        there = set(connections[NEW].introspection.table_names())
        held = [model for model in _models() if model._meta.db_table in there and _all(model, NEW).exists()]
        # Schedules alone are of a database that was only made ready.
        used = [model._meta.db_table for model in held if model._meta.app_label != "django_q"]
        is_ours = Lease._meta.db_table in there and Lease.objects.using(NEW).filter(name=self._mark).exists()
        if used and not is_ours:
            raise CommandError(f"The new database is in use, there are rows in {used[0]}: name an empty one.")
        if DrainState in held and self.is_drained():
            raise CommandError("A drain has worked on the new database: the move was over. Name an empty one to move.")

    @contextmanager
    def old_held(self):
        """Within, nothing can be written to the old database, and it is read as it is now. Nothing is changed in it."""
        with transaction.atomic(OLD):
            if connections[OLD].vendor == "postgresql":
                first = sorted(_models(), key=lambda model: model is not DrainState)  # as writers do: none waits for us
                tables = ", ".join(model._meta.db_table for model in first)
                with connections[OLD].cursor() as cursor:
                    for statement in _STILL:
                        cursor.execute(statement.format(tables=tables))
            self.rows = sum(_all(model, OLD).count() for model in _models())
            yield
            transaction.set_rollback(True, OLD)

    def copy(self, tell: Callable[[int, str], object]):
        """Copy what is not there yet, and compare all of it; `tell(rows, name)` is called as rows are through.

        Raises CommandError, with the chunk, where sums differ.
        """
        self._tell = tell
        self.mark()
        chunks = [chunk for model in _SUMS for chunk in _chunks(model)]
        to_do = []
        for chunk in chunks:
            if not (there := chunk.rows(NEW)).exists():
                to_do.append(chunk)
            elif chunk.is_equal():
                self._tell(chunk.rows(OLD).count(), chunk.name)
            else:
                there._raw_delete(NEW)
                to_do.append(chunk)
        self._copy_small()
        for chunk in to_do:
            self._copy_chunk(chunk)
        self._compare_counts()
        self._finish()

    def mark(self, held_at: datetime = NEVER):
        """In the new database: when the old one was held for a drain to begin on the new one."""
        Lease.objects.using(NEW).update_or_create(name=self._mark, defaults={"until": held_at})

    def is_drained(self) -> bool:
        """Whether a drain has worked on the new database since the copy."""
        return DrainState.objects.using(NEW).filter(heartbeat_at__isnull=False).exists()

    def forget(self):
        """The move is over: where it came from is of no use any more."""
        Lease.objects.using(NEW).filter(name=self._mark).delete()

    def _copy_small(self):
        """Tables without chunks, in one transaction: whether what they refer to is there is looked at when it ends."""
        with transaction.atomic(NEW):
            for model in _models():
                if model not in _SUMS and model is not DrainState:
                    _all(model, NEW)._raw_delete(NEW)
                    self._insert(model, _all(model, OLD), model._meta.db_table)

    def _copy_chunk(self, chunk):
        with transaction.atomic(NEW):
            if chunk.model is Event and chunk.rows(OLD).exists():
                Partitions(connections[NEW]).cover((chunk.start, chunk.end - 1))
            self._insert(chunk.model, chunk.rows(OLD), chunk.name)
        if not chunk.is_equal():
            raise CommandError(
                f"{chunk.name} is not the same in both databases: run this again, it is copied once more."
            )

    def _insert(self, model, rows, name):
        fields = model._meta.concrete_fields
        found = self._told(rows.order_by().values_list(*(field.attname for field in fields)).iterator(AT_ONCE), name)
        table, columns = model._meta.db_table, ", ".join(f'"{field.column}"' for field in fields)
        connection = connections[NEW]
        if model not in _SUMS:  # which hold nothing but integers, texts, bytes and booleans
            found = (map(lambda f, value: f.get_db_prep_save(value, connection), fields, row) for row in found)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with connection.wrap_database_errors, cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy:
                    for row in found:
                        copy.write_row(tuple(row))
            else:
                statement = f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join(["%s"] * len(fields))})'
                for batch in iter(lambda: [tuple(row) for row in islice(found, AT_ONCE)], []):
                    cursor.executemany(statement, batch)

    def _told(self, rows, name) -> Iterator[tuple]:
        while batch := list(islice(rows, AT_ONCE)):
            yield from batch
            self._tell(len(batch), name)

    def _compare_counts(self):
        for model in set(_models()) - {DrainState}:
            if _all(model, OLD).count() != _all(model, NEW).count():
                raise CommandError(f"{model._meta.db_table} has not the same number of rows in both: run this again.")

    def _finish(self):
        """The drain's state comes last: with it, the new database is whole."""
        connection = connections[NEW]
        with transaction.atomic(NEW):
            _all(DrainState, NEW)._raw_delete(NEW)
            self._insert(DrainState, _all(DrainState, OLD), DrainState._meta.db_table)
            _all(DrainState, NEW).update(**_NO_DRAIN)
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    for statement in connection.ops.sequence_reset_sql(no_style(), _models()):
                        cursor.execute(statement)


def _models() -> list[type[models.Model]]:
    """The tables that are moved. Content types and rights are made by migrating, and leases are of processes."""
    moved = chain.from_iterable(apps.get_app_config(label).get_models() for label in (*sorted(OURS), "django_q"))
    return [User, Session, *(model for model in moved if not model._meta.proxy and model is not Lease)]


def _all(model, alias):
    return model._base_manager.using(alias).all()


def _address(alias):
    found = connections[alias].settings_dict
    return [str(found[name]) for name in ("ENGINE", "HOST", "PORT", "NAME")]


def _chunks(model) -> list[Chunk]:
    """Chunks that hold every row of a table, in either database, once."""
    column, width, named = _CUT[model]
    slots = {slot for alias in (OLD, NEW) for slot in _slots(_all(model, alias), column, width)}
    chunk, table = partial(Chunk, model), model._meta.db_table
    if named:
        starts = [slot * width for slot in sorted(slots)]
        return [chunk(f"{table} from {named} {start}", column, start, start + width) for start in starts]
    unit = width // QUARTER_S
    edges = (edge for slot in slots for edge in (slot * QUARTER_S, (slot + 1) * QUARTER_S - 1))
    found = sorted({local_day(edge, settings.TIME_ZONE) for edge in edges})
    return [chunk(f"{table} {date_of(day)}", column, *(edge * unit for edge in edges_of(day))) for day in found]


def _slots(rows, column, width):
    return rows.annotate(slot=F(column) / width).order_by().values_list("slot", flat=True).distinct()


# By table: the column that its chunks are cut by, into what (µs or s that a local day is made of, or values), and how
# the first value of a chunk is named where that is no local day.
_CUT = {
    Event: ("timestamp", QUARTER_US, ""),
    **dict.fromkeys((Quarter, Duration), ("bucket", QUARTER_S, "")),
    Day: ("bucket", 1, "day"),
    **dict.fromkeys((LabelQuarter, LabelDay), ("label_value_id", LABEL_VALUES, "value")),
}
