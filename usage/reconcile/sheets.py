"""A CSV file as a header and rows: encoding, delimiter and size, before anything is known of what the columns mean."""

import csv
import hashlib
import io
import re
from typing import NamedTuple

from django.utils.translation import gettext as _

MAX_BYTES = 10_000_000  # nginx passes on as much
MAX_COLUMNS = 500
DELIMITERS = ",;\t"
LOOKED_AT = 30  # lines among which the header is: Google writes some about the invoice above it
ARCHIVES = (b"PK", b"\x1f\x8b", b"%PDF", b"\xd0\xcf\x11\xe0")  # beginnings of spreadsheets, archives and documents


class BadFile(ValueError):
    """A file that cannot be read; its text is one sentence, which begins with the line and the column at fault."""

    def __init__(self, sentence: str, line: int | None = None, column: str = ""):
        self.sentence, self.column = sentence, column
        where = []
        if line is not None:
            where.append(_("line %(line)s") % {"line": line})
        if column:
            where.append(_('column "%(column)s"') % {"column": column})
        place = ", ".join(where)
        super().__init__(f"{place[0].upper()}{place[1:]}: {sentence}" if place else sentence)


class Sheet(NamedTuple):
    """The names of the columns, and (number of the line, cells) of each row that is not blank."""

    header: tuple[str, ...]
    rows: list[tuple[int, list[str]]]

    @property
    def fingerprint(self) -> str:
        """What all files with these columns, in this order, have in common."""
        return hashlib.sha256("\n".join(map(plain, self.header)).encode()).hexdigest()


def plain(name: str) -> str:
    """The name of a column without what tells spellings apart: `Usage start date` and `usage_start_date` are one."""
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_")


def read(data: bytes) -> Sheet:
    """The sheet in a file's bytes; raises BadFile."""
    text = _decoded(data)
    beginning = "\n".join(text.splitlines()[:LOOKED_AT])
    rows = list(_rows(text, max(DELIMITERS, key=beginning.count)))
    width = max((len(cells) for _, cells in rows[:LOOKED_AT]), default=0)
    if width < 2:
        raise BadFile(_("No table was found: the first line names the columns, separated by commas or semicolons."))
    # What stands above a table has two or three cells a line.
    place = next(place for place, (_, cells) in enumerate(rows) if len(cells) > width / 2)
    header = tuple(rows[place][1])
    if len(header) > MAX_COLUMNS:
        raise BadFile(_("The file has more than %(most)s columns.") % {"most": MAX_COLUMNS})
    return Sheet(header, [_checked(row, len(header)) for row in rows[place + 1 :]])


def _decoded(data):
    if len(data) > MAX_BYTES:
        raise BadFile(_("The file is larger than %(size)s MB.") % {"size": MAX_BYTES // 1_000_000})
    if data.startswith(ARCHIVES):
        raise BadFile(_("This is a spreadsheet, an archive or a document: export it as CSV."))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFile(_("This is no text in UTF-8."), line) from error


def _rows(text, delimiter):
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(stripped := [cell.strip() for cell in cells]):
                yield line, stripped
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadFile(_("This is no CSV: %(error)s.") % {"error": error}, line) from error


def _checked(row, width):
    """The row with as many cells as the header; blank ones after the last are left out."""
    line, cells = row
    if len(cells) < width or any(cells[width:]):
        sentence = _("There are %(found)s cells, and %(expected)s columns.")
        raise BadFile(sentence % {"found": len(cells), "expected": width}, line)
    return line, cells[:width]
