"""Statements that Django cannot say, or says slowly: rows are inserted, or added to, thousands at a time."""

from django.db import connection

from usage.ingest.labelvalues import Rows
from usage.models import COUNTS, MEASURES, PRICED, Day, Duration, Event, LabelDay, LabelQuarter, Quarter, Series


def insert(table, rows: list[tuple]):
    """Insert rows of Event or Series, in the order of their fields: integers, text, bytes and booleans only."""
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT[table], rows)


def upsert(rollup, rows: Rows):
    """Add measures to the rows of a rollup, in key order so that writers on PostgreSQL cannot lock each other out."""
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_UPSERT[rollup], [(*key, *rows[key]) for key in sorted(rows)])


def move(events: list[tuple[int, int]]):
    """Give events another series: (id of the series, id of the event)."""
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {Event._meta.db_table} SET series_id = %s WHERE id = %s", events)


def correct(rollup, rows: Rows):
    """Add the measures of PRICED to rows of a rollup; an hour that retention left a part of has none, and needs none.

    In key order, as above.
    """
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_CORRECT[rollup], [(*rows[key], *key) for key in sorted(rows)])


def _columns(table):
    """Without the id, which the database gives."""
    return [field.column for field in table._meta.concrete_fields if not field.primary_key]


def _inserting(table):
    columns = _columns(table)
    return f"INSERT INTO {table._meta.db_table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"


def _adding(table, key, counts):
    """Inserts a row of a table, or adds its counts to the row that has its key."""
    name, columns = table._meta.db_table, (*key, *counts)
    return (
        f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET "
        + ", ".join(f"{count} = {name}.{count} + excluded.{count}" for count in counts)
    )


_INSERT = {table: _inserting(table) for table in (Event, Series)}
ROLLUPS = (Quarter, Day, LabelQuarter, LabelDay)
_UPSERT = {rollup: _adding(rollup, ("bucket", rollup.owner()), MEASURES) for rollup in ROLLUPS}
_UPSERT[Duration] = _adding(Duration, ("bucket", "model_id", "kind"), COUNTS)
_CORRECT = {
    rollup: f"UPDATE {rollup._meta.db_table} SET {', '.join(f'{name} = {name} + %s' for name in PRICED)} "
    f"WHERE bucket = %s AND {rollup.owner()} = %s"
    for rollup in ROLLUPS
}
