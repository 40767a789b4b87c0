"""What a file holds: the filtered events, or their totals, read a page at a time.

Each page is a transaction of its own, so no reader holds the database's log open, and arriving records shift nothing.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from operator import getitem
from typing import Any, NamedTuple, get_args, get_type_hints

from msgspec.structs import asdict

from usage.analytics.answers import Summary, summary_of
from usage.analytics.events.paging import newest
from usage.analytics.events.rows import EventRow, ExportRow
from usage.analytics.exports.formats import LocalTime
from usage.analytics.reports.parts import FIRST_DAY, parts_of
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.names import names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot

PAGE = 500
LOCAL_TIME = "local_time"
USUAL = (LOCAL_TIME, *EventRow.__struct_fields__)
NAMED = {"api_key": "api_key_name", "source": "source_name"}  # labels whose values have names, and their columns


class Table(NamedTuple):
    """Columns with their types, those of a spreadsheet, pages of rows, and how to get a column's value of a row."""

    columns: dict[str, type]
    usual: tuple[str, ...]
    pages: Iterator[list]
    get: Callable[[Any, str], Any]

    @property
    def full(self) -> list[str]:
        """All columns but those that are for spreadsheets alone."""
        return [name for name in self.columns if name != LOCAL_TIME]

    def rows(self, names: list[str]) -> Iterator[list[list]]:
        """Pages of the values of these columns; a page is read when it is asked for."""
        for page in self.pages:
            yield [[self.get(row, name) for name in names] for row in page]


def events_table(filters: UsageFilter) -> Table:
    """Every kept event that the filter admits, newest first."""
    return Table(event_columns(), USUAL, _event_pages(filters), getattr)


def event_columns() -> dict[str, type]:
    """The columns of events, with their types; the local time is for spreadsheets alone."""
    return {LOCAL_TIME: LocalTime, **_types(ExportRow)}


def totals_table(filters: UsageFilter, by: list[str]) -> Table:
    """A row of measures for each group of `by`: one of FIRST_DAY, newest first, and labels, most tokens first.

    ValidationError where a period in parts is too long.
    """
    every = next((name for name in by if name in FIRST_DAY), None)
    parts = (
        [({every: str(day)}, part) for day, part in reversed(parts_of(filters, every))] if every else [({}, filters)]
    )
    labels = [name for name in by if name not in FIRST_DAY]
    pages = ([within | row for row in _totals(part, labels)] for within, part in parts)
    columns = group_columns(by) | _types(Summary)
    return Table(columns, tuple(columns), pages, getitem)


def group_columns(by: list[str]) -> dict[str, type]:
    """The columns that name the groups of totals, with their types."""
    columns = {}
    for name in by:
        columns |= {name: date if name in FIRST_DAY else str} | ({NAMED[name]: str} if name in NAMED else {})
    return columns


def _event_pages(filters):
    before = ""
    while rows := newest(filters, PAGE, before, ExportRow):
        before = rows[-1].event_key
        yield rows


@snapshot()
def _totals(filters, labels) -> list[dict]:
    reader, labels = Reader.of(filters), [LABELS[name] for name in labels]
    found = reader.by(*(label.column for label in labels)) if labels else {(): reader.total()}
    names = [names_of(label, {group[place] for group in found}) for place, label in enumerate(labels)]
    rows = [_row(labels, group, names) | asdict(summary_of(row)) for group, row in found.items() if any(row)]
    return sorted(rows, key=lambda row: (-row["total_tokens"], -row["total"], *map(str, row.values())))


def _row(labels, group, names):
    row = {}
    for label, value, shown in zip(labels, group, names, strict=True):
        row |= {label.name: shown[value][0] if label.name == "api_key" else value}
        row |= {NAMED[label.name]: shown[value][1]} if label.name in NAMED else {}
    return row


def _types(shape):
    """{field: its type without None}; moments are datetimes."""
    hints = {name: (hint, *get_args(hint)) for name, hint in get_type_hints(shape).items()}
    kinds = {name: next(kind for kind in (bool, int, float, str) if kind in hint) for name, hint in hints.items()}
    return {name: datetime if name.endswith("timestamp") else kinds[name] for name in shape.__struct_fields__}
