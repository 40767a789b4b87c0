"""Rows as a file of some format, part by part: what was written is forgotten before the next page is read."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple
from unicodedata import category, normalize

from msgspec import json

FORMULA = "=+-@\N{MINUS SIGN}"  # what a spreadsheet would take for a formula, in any width
# What may stand before it unseen: characters of these categories, and letters that show nothing.
UNSEEN, BLANKS = "CMZ", "\u115f\u1160\u2800\u3164\uffa0"
SHEET_ROWS = 1_048_576  # of a spreadsheet, its heading included
ROW_GROUP = 20_000  # rows of a Parquet file that are written at once
CHUNK = 64 * 1024

Columns = dict[str, type]  # by name; a column of datetimes or dates has texts, as ISO 8601 has them
Pages = Iterator[list[list]]  # rows with a value for each column


class LocalTime(datetime):
    """The type of a column of datetimes without an offset, as spreadsheets know them."""


def csv_parts(columns: Columns, pages: Pages) -> Iterator[bytes]:
    """CSV: a header and one line a row; no cell begins like a formula."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    yield ("\ufeff" + _taken(file)).encode()
    for rows in pages:
        writer.writerows(map(safe, row) for row in rows)
        yield _taken(file).encode()


def json_parts(columns: Columns, pages: Pages) -> Iterator[bytes]:
    """JSON Lines: one object a line."""
    encode = json.Encoder().encode_lines
    for rows in pages:
        yield encode([dict(zip(columns, row, strict=True)) for row in rows])


def parquet_parts(columns: Columns, pages: Pages) -> Iterator[bytes]:
    """Parquet: typed columns, many rows to a group."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    kinds = {bool: "bool", int: "int64", float: "float64", date: "date32", LocalTime: "timestamp[s]"}
    types = {name: pyarrow.type_for_alias(kinds.get(kind, "string")) for name, kind in columns.items()}
    types |= {name: pyarrow.timestamp("us", "UTC") for name, kind in columns.items() if kind is datetime}
    schema, file, held = pyarrow.schema(types.items()), io.BytesIO(), []
    with ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in pages:
            held.append(pyarrow.RecordBatch.from_arrays(list(_arrays(schema, rows)), schema=schema))
            if sum(map(len, held)) >= ROW_GROUP:
                writer.write_table(pyarrow.Table.from_batches(held, schema))
                held = []
            yield _taken(file)
        writer.write_table(pyarrow.Table.from_batches(held, schema))
    yield _taken(file)


def _taken(file):
    """What was written to a file in memory since the last time."""
    part = file.getvalue()
    file.seek(0)
    file.truncate()
    return part


def _arrays(schema, rows):
    import pyarrow

    for place, kind in enumerate(schema.types):
        values = [row[place] for row in rows]
        has_texts = pyarrow.types.is_temporal(kind) and kind != pyarrow.timestamp("s")
        yield pyarrow.array(values, pyarrow.string()).cast(kind) if has_texts else pyarrow.array(values, kind)


def xlsx_parts(columns: Columns, pages: Pages) -> Iterator[bytes]:
    """A sheet, and more for what it cannot take; only blanks come before all is written to temporary files."""
    from openpyxl import Workbook

    book, room = Workbook(write_only=True), 0
    try:
        for rows in chain(pages, [[]]):
            cells = [list(map(_cell, row, columns.values())) for row in rows]
            for row in cells if book.worksheets else [list(columns), *cells]:
                if not room:
                    sheet, room = book.create_sheet(), SHEET_ROWS
                sheet.append(row)
                room -= 1
            yield b""
        with TemporaryFile() as file:
            book.save(file)
            file.seek(0)
            yield from iter(partial(file.read, CHUNK), b"")
    finally:  # also of a client that is gone: openpyxl itself would remove these files when the process ends
        for sheet in book.worksheets:
            if not sheet.closed:
                sheet.close()
            Path(sheet._writer.out).unlink(missing_ok=True)


def _cell(value, kind):
    """A value of a column as Excel takes it."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if kind is date:
        return date.fromisoformat(value)
    return ILLEGAL_CHARACTERS_RE.sub("", safe(value)) if isinstance(value, str) else value


def safe(value):
    """The cell, behind an apostrophe where it begins like a formula or with a control character. So is one that has an
    apostrophe there by itself: then to take one off gives every cell back."""
    if not isinstance(value, str) or (value[:1].isalnum() and value[0] not in BLANKS):
        return value
    if value[:1] == "'":
        return value if safe(value[1:]) == value[1:] else f"'{value}"
    first = next((c for c in value if category(c)[0] not in UNSEEN and c not in BLANKS), "")
    is_formula = first and normalize("NFKC", first)[0] in FORMULA
    return f"'{value}" if is_formula or "" < value[:1] < " " else value


class Format(NamedTuple):
    """Its title, how rows are written, the type of the file, and the package that this needs, which may be missing."""

    title: str
    parts: Callable[[Columns, Pages], Iterator[bytes]]
    content_type: str
    package: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether its package is not installed."""
        return bool(self.package) and find_spec(self.package) is None


FORMATS = {
    "csv": Format("CSV", csv_parts, "text/csv; charset=utf-8"),
    "jsonl": Format("JSON Lines", json_parts, "application/x-ndjson; charset=utf-8"),
    "parquet": Format("Parquet", parquet_parts, "application/vnd.apache.parquet", "pyarrow"),
    "xlsx": Format(
        "Excel", xlsx_parts, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "openpyxl"
    ),
}
IN_FULL = ("jsonl", "parquet")  # have all columns where none are chosen
