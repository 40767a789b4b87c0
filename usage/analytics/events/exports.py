"""The filtered events as a file, streamed page by page: each page is a transaction of its own, so no reader holds the
database's log open, and arriving records shift nothing."""

import csv
from collections.abc import Iterator
from operator import attrgetter

from msgspec import json

from usage.analytics.events.paging import newest
from usage.analytics.events.rows import EventRow
from usage.query.filters import UsageFilter

PAGE = 1000
FIELDS = EventRow.__struct_fields__
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


class Echo:
    """A file that gives back what is written to it."""

    def write(self, text):
        return text


def csv_lines(filters: UsageFilter) -> Iterator[str]:
    """A header and a line an event, newest first; no cell begins like a formula."""
    write = csv.writer(Echo()).writerow
    yield "\ufeff" + write(FIELDS)
    values = attrgetter(*FIELDS)
    for row in all_rows(filters):
        yield write([_safe(value) for value in values(row)])


def json_lines(filters: UsageFilter) -> Iterator[bytes]:
    """The items of the API, one a line, newest first."""
    for row in all_rows(filters):
        yield json.encode(row) + b"\n"


def all_rows(filters: UsageFilter) -> Iterator[EventRow]:
    """Every kept event that the filter admits, newest first."""
    before = ""
    while items := newest(filters, PAGE, before):
        yield from items
        before = items[-1].event_key


def _safe(value):
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


FORMATS = {
    "csv": (csv_lines, "text/csv; charset=utf-8"),
    "jsonl": (json_lines, "application/x-ndjson; charset=utf-8"),
}
