"""Statements that Django cannot say, or says slowly: rows are inserted, or added to, thousands at a time."""

from django.db import connection

from usage.ingest.labelvalues import Rows
from usage.models import COUNTS, MEASURES, PRICED, Day, Duration, Event, LabelDay, LabelQuarter, Quarter, Series

ROWS_AT_ONCE = 5_000  # in one statement on PostgreSQL: its text has a megabyte


def insert(table, rows: list[tuple]):
    """Insert rows of Event or Series, in the order of their fields: integers, text, bytes and booleans only."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(_INSERT[table], rows)
            return
        with connection.wrap_database_errors, cursor.copy(_COPY[table]) as copy:
            for row in rows:
                copy.write_row(row)


def upsert(rollup, rows: Rows):
    """Add measures to the rows of a rollup, in key order so that writers on PostgreSQL cannot lock each other out."""
    _update(_UPSERT[rollup], _UPSERT_ARRAYS[rollup], [(*key, *rows[key]) for key in sorted(rows)])


def move(events: list[tuple[int, int, int]]):
    """Give events another series: (id of the series, time of the event and its id). Faster where times lie together."""
    _update(_MOVE, _MOVE_ARRAYS, events)


def claim(events: list[tuple[bytes, int, int]]):
    """Events of an import came by the drain too: (fingerprint as it came, time of the event and its id).

    As the drain's own they stay when the import is undone, and what comes again is known by its fingerprint.
    """
    with connection.cursor() as cursor:
        cursor.executemany(_CLAIM, events)


def correct(rollup, rows: Rows):
    """Add the measures of PRICED to rows of a rollup; an hour that retention left a part of has none, and needs none.

    In key order, as above.
    """
    _update(_CORRECT[rollup], _CORRECT_ARRAYS[rollup], [(*rows[key], *key) for key in sorted(rows)])


def _update(by_row, by_arrays, rows):
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(by_row, rows)
            return
        for arrays in _arrays_of(rows):
            cursor.execute(by_arrays, arrays)


def _arrays_of(rows):
    """An array of each column, for some thousand rows at a time."""
    for at in range(0, len(rows), ROWS_AT_ONCE):
        columns = zip(*rows[at : at + ROWS_AT_ONCE], strict=True)
        yield [f"{{{','.join(map(str, column))}}}" for column in columns]


def _columns(table):
    """The columns of a table without the id, which the database assigns."""
    return [field.column for field in table._meta.concrete_fields if not field.primary_key]


def _into(table, columns, rows):
    return f"INSERT INTO {table._meta.db_table} ({', '.join(columns)}) {rows}"


def _values(columns):
    return f"VALUES ({', '.join(['%s'] * len(columns))})"


def _arrays(columns, array="%s::bigint[]"):
    """Rows from an array for each column, of which PostgreSQL makes thousands in one statement."""
    return f"SELECT * FROM unnest({', '.join([array] * len(columns))})"


def _given(*columns):
    """As _arrays, for a join. Of a subquery PostgreSQL expects few rows, and looks each up instead of reading all."""
    return f"FROM ({_arrays(columns, '(SELECT %s::bigint[])')}) AS given ({', '.join(columns)})"


def _adding(table, key, counts, rows):
    """Inserts rows of a table, or adds their counts to the row that has their key."""
    name, columns = table._meta.db_table, (*key, *counts)
    sums = ", ".join(f"{count} = {name}.{count} + excluded.{count}" for count in counts)
    return f"{_into(table, columns, rows(columns))} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sums}"


_INSERT = {table: _into(table, _columns(table), _values(_columns(table))) for table in (Event, Series)}
_COPY = {table: f"COPY {table._meta.db_table} ({', '.join(_columns(table))}) FROM STDIN" for table in (Event, Series)}
ROLLUPS = (Quarter, Day, LabelQuarter, LabelDay)
# Of each table of totals the key, and what is added up.
COLUMNS = {rollup: (("bucket", rollup.owner()), MEASURES) for rollup in ROLLUPS}
COLUMNS[Duration] = ("bucket", "model_id", "kind"), COUNTS
_UPSERT = {table: _adding(table, *columns, _values) for table, columns in COLUMNS.items()}
_UPSERT_ARRAYS = {table: _adding(table, *columns, _arrays) for table, columns in COLUMNS.items()}
_CORRECT = {
    rollup: f"UPDATE {rollup._meta.db_table} SET {', '.join(f'{name} = {name} + %s' for name in PRICED)} "
    f"WHERE bucket = %s AND {rollup.owner()} = %s"
    for rollup in ROLLUPS
}
_CORRECT_ARRAYS = {
    rollup: f"UPDATE {rollup._meta.db_table} AS stored "
    f"SET {', '.join(f'{name} = stored.{name} + given.{name}' for name in PRICED)} "
    f"{_given(*PRICED, *COLUMNS[rollup][0])} "
    f"WHERE stored.bucket = given.bucket AND stored.{rollup.owner()} = given.{rollup.owner()}"
    for rollup in ROLLUPS
}
_MOVE = f"UPDATE {Event._meta.db_table} SET series_id = %s WHERE timestamp = %s AND id = %s"
_CLAIM = f"UPDATE {Event._meta.db_table} SET imported = NULL, fingerprint = %s WHERE timestamp = %s AND id = %s"
_MOVE_ARRAYS = (
    f"UPDATE {Event._meta.db_table} AS stored SET series_id = given.series_id "
    f"{_given('series_id', 'timestamp', 'id')} WHERE stored.timestamp = given.timestamp AND stored.id = given.id"
)
