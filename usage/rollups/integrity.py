"""Is the database itself sound? A table at a time, so that no single look holds a snapshot for long."""

from django.db import DatabaseError, connection

WORDS_SHOWN = 5  # of what a database says about one table


def looks() -> list[str]:
    """What can be looked at by itself: each table of SQLite's; PostgreSQL's own notes (""), and indexes."""
    if connection.vendor == "sqlite":
        return tables()
    return ["", *_our_indexes()] if _rows("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'") else [""]


def damage_in(look: str) -> list[str]:
    """A sentence for each thing wrong with one of `looks`. Raises django.db.Error when the database is away."""
    if connection.vendor == "sqlite":
        return list(_table_damage(look))
    return list(_index_damage(look) if look else _noted_damage())


def tables() -> list[str]:
    """Names of the tables looked at."""
    with connection.cursor() as cursor:
        return sorted(connection.introspection.table_names(cursor))


def _table_damage(table):
    try:
        words = [row[0] for row in _rows(f'PRAGMA integrity_check("{table}")') if row[0] != "ok"]
        orphans = _rows(f'PRAGMA foreign_key_check("{table}")')
    except DatabaseError as error:  # the pages are too damaged to be walked
        words, orphans = [str(error)], []
    if words:
        yield f"Table {table}: {'; '.join(words[:WORDS_SHOWN])}."
    if orphans:
        yield f"Table {table}: {len(orphans)} rows point at rows that are gone."


def _noted_damage():
    """What PostgreSQL itself counted or marked."""
    failures = _rows("SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()")[0][0]
    if failures:
        yield f"PostgreSQL counted {failures} pages whose checksum does not hold."
    broken = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT (indisvalid AND indisready)"
    for (index,) in _rows(broken):
        yield f"Index {index} is not valid: run REINDEX INDEX {index}."


def _our_indexes():
    ours = (  # an index of a partitioned table is none by itself
        "SELECT relname FROM pg_class WHERE relkind = 'i' AND relnamespace = current_schema()::regnamespace"
        " AND relam = (SELECT oid FROM pg_am WHERE amname = 'btree') ORDER BY relname"
    )
    return [index for (index,) in _rows(ours)]


def _index_damage(index):
    """What amcheck finds, which is there where it is installed."""
    try:
        # Nothing is asked where a partition has gone meanwhile.
        _rows("SELECT bt_index_check(oid) FROM pg_class WHERE oid = to_regclass(%s)", [index])
    except DatabaseError as error:
        yield f"Index {index}: {str(error).splitlines()[0]}."


def _rows(sql, parameters=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
