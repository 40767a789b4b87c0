"""The filtered events as a file, streamed page by page: each page is a transaction of its own, so no reader holds the
database's log open, and arriving records shift nothing."""

import csv
from collections.abc import Iterator
from operator import attrgetter
from unicodedata import category, normalize

from msgspec import json

from usage.analytics.events.paging import newest
from usage.analytics.events.rows import EventRow
from usage.query.filters import UsageFilter

PAGE = 500
FIELDS = EventRow.__struct_fields__
FORMULA = "=+-@\N{MINUS SIGN}"  # what a spreadsheet would take for a formula, in any width
# What may stand before it unseen: characters of these categories, and letters that show nothing.
UNSEEN, BLANKS = "CMZ", "\u115f\u1160\u2800\u3164\uffa0"


class Echo:
    """A file that gives back what is written to it."""

    def write(self, text):
        return text


def csv_lines(filters: UsageFilter) -> Iterator[str]:
    """A header and a line an event, newest first, a page at a time; no cell begins like a formula."""
    write = csv.writer(Echo()).writerow
    yield "\ufeff" + write(FIELDS)
    values = attrgetter(*FIELDS)
    for rows in pages(filters):
        yield "".join(write([_safe(value) for value in values(row)]) for row in rows)


def json_lines(filters: UsageFilter) -> Iterator[bytes]:
    """The items of the API, one a line, newest first, a page at a time."""
    yield from map(json.Encoder().encode_lines, pages(filters))


def pages(filters: UsageFilter) -> Iterator[list[EventRow]]:
    """Every kept event that the filter admits, newest first; each page is read when it is asked for."""
    before = ""
    while rows := newest(filters, PAGE, before):
        before = rows[-1].event_key
        yield rows


def _safe(value):
    """The cell, behind an apostrophe where it begins like a formula or with a control character."""
    if not isinstance(value, str) or (value[:1].isalnum() and value[0] not in BLANKS):
        return value
    first = next((c for c in value if category(c)[0] not in UNSEEN and c not in BLANKS), "")
    is_formula = first and normalize("NFKC", first)[0] in FORMULA
    return f"'{value}" if is_formula or "" < value[:1] < " " else value


FORMATS = {
    "csv": (csv_lines, "text/csv; charset=utf-8"),
    "jsonl": (json_lines, "application/x-ndjson; charset=utf-8"),
}
