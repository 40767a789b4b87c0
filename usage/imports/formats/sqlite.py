"""A SQLite database of another program: opened so that nothing is written to it, and read in one snapshot."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

from django.utils.translation import gettext as _

from usage.imports.formats.source import Refused
from usage.imports.formats.text import LONGEST, refuse_a_change

COLUMNS = "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
NO_UTF_8 = "Could not decode to UTF-8"  # so begins an error that quotes the text
readable = partial(str, encoding="utf-8", errors="replace")


class Database:
    """A file of SQLite. One without a log is opened as immutable, so that SQLite need not make a file next to it."""

    def __init__(self, path: Path):
        self.path, self._status = path, path.stat()
        logs = [path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")]
        self._alone = not any(file.exists() and file.stat().st_size for file in logs)
        self.tables = {}
        with self._opened() as connection:
            for table, column in connection.execute(COLUMNS):
                self.tables.setdefault(table, set()).add(column)

    def rows(self, tables: list[str], names: list[str]) -> Iterator[dict]:
        """The rows of tables that are alike, as tuples() has them, by the names of their columns."""
        for row in self.tuples(tables, names):
            yield dict(zip(("id", *names), row, strict=True))

    def tuples(
        self, tables: list[str], names: list[str], after: int = -1, blank: dict[str, str | int] | None = None
    ) -> Iterator[tuple]:
        """(id, *columns of these names) of tables that are alike, in the order of ids, of those behind `after`.

        None for no such column, and nothing of no such table. `blank`: what stands for None, by name.
        """
        selects = []
        for table in filter(self.tables.get, tables):
            has = self.tables[table]
            columns = {name: f'"{name}"' if name in has else "NULL" for name in ("id", *names)}
            columns |= {name: f"coalesce({columns[name]}, {value!r})" for name, value in (blank or {}).items()}
            values = ", ".join(f'{value} AS "{name}"' for name, value in columns.items())
            selects.append(f"SELECT {values} FROM {table} WHERE id > {int(after)}")
        return self.select(f"{' UNION ALL '.join(selects)} ORDER BY 1") if selects else iter(())

    def select(self, sql: str) -> Iterator[tuple]:
        """The rows of a SELECT, all of one snapshot."""
        with self._opened() as connection:
            connection.execute("BEGIN")
            connection.text_factory, read = str, 0  # much faster than `readable`, and right nearly always
            try:
                for row in connection.execute(sql):
                    yield row
                    read += 1
            except sqlite3.OperationalError as error:
                if not str(error).startswith(NO_UTF_8):
                    raise
                connection.text_factory = readable
                yield from islice(connection.execute(sql), read, None)

    def last_id(self, table: str) -> int:
        """The highest id of a table; 0 where it is empty."""
        with self._opened() as connection:
            extent = f"SELECT coalesce(max(id), 0), coalesce(min(typeof(id) = 'integer' AND id > 0), 1) FROM {table}"
            highest, is_numbered = connection.execute(extent).fetchone()
        if not is_numbered:
            raise Refused(_("The database is of an unknown version: rows of %s have no number."), table)
        return highest

    @contextmanager
    def _opened(self):
        how = "mode=ro&immutable=1" if self._alone else "mode=ro"
        try:
            with closing(sqlite3.connect(f"{self.path.resolve().as_uri()}?{how}", uri=True, timeout=20)) as connection:
                connection.text_factory = readable
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
                yield connection
        except sqlite3.OperationalError as error:
            raise Refused(_("The database cannot be read: %s."), str(error)) from None
        except (sqlite3.DatabaseError, UnicodeError) as error:  # of a text, or of an error's own text
            raise Refused(_("The database is damaged: %s."), str(error)) from None
        if self._alone:
            refuse_a_change(self.path, self._status)
