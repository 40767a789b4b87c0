"""A period by the values of a label, or of two."""

from itertools import product
from typing import Annotated

from msgspec import Meta, Struct

from cpa_usage.http.lists import Listing, totals_of
from usage.analytics.answers import Summary, summary_of
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.largest import MOST, largest
from usage.query.names import names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot


class BreakdownRow(Struct, frozen=True, kw_only=True):
    """What one value of a label used."""

    key: Annotated[str, Meta(description="The value a filter takes.")]
    label: Annotated[str, Meta(description="How to show it.")]
    figures: Summary


class Breakdown(Listing, frozen=True, kw_only=True):
    """A period by the values of one label."""

    by: str
    rows: list[BreakdownRow]
    others: Annotated[Summary | None, Meta(description="All other values together; absent where none is left.")] = None

    @property
    def left_out(self) -> int:
        """How many values the others are."""
        return self.totals["rows"] - len(self.rows) if self.totals else 0


class MatrixCell(Struct, frozen=True, kw_only=True):
    """What one pair of values used; the keys are those of filters."""

    row: str
    column: str
    figures: Summary


class Matrix(Listing, frozen=True, kw_only=True):
    """A period by two labels."""

    rows: str
    columns: str
    cells: list[MatrixCell]


@snapshot()
def breakdown(
    filters: UsageFilter, by: str, limit: int = MOST, measure: str = "total", positive: tuple[str, ...] = ()
) -> Breakdown:
    """Most tokens first; of too many values those with the largest measures, and the others as one."""
    label = LABELS[by]
    found = largest(Reader.of(filters), (label.column,), measure, limit, positive)
    rows = _rows(label, {value: row for (value,), row in found.rows.items()})
    others = summary_of(found.others) if found.left_out else None
    return Breakdown(by=by, rows=rows, others=others, totals=totals_of(rows=(found.count, rows)))


@snapshot()
def used_by(filters: UsageFilter, by: str, values: list[str]) -> dict[str, Summary]:
    """What some values of a label used, by what a filter takes for them; those without use are left out."""
    label = LABELS[by]
    found = Reader.of(filters).of_groups((label.column,), [(value,) for value in values])
    return {label.key_of(value): summary_of(row) for (value,), row in found.items()}


def _rows(label, sums):
    names = names_of(label, set(sums))
    rows = [
        BreakdownRow(key=names[value][0], label=names[value][1], figures=summary_of(row)) for value, row in sums.items()
    ]
    return sorted(rows, key=lambda row: (-row.figures.total_tokens, -row.figures.total, row.label))


@snapshot()
def matrix(filters: UsageFilter, rows: str, columns: str, limit: int = MOST) -> Matrix:
    """A cell for each pair of values that occurs."""
    found = largest(Reader.of(filters), (LABELS[rows].column, LABELS[columns].column), "total", limit)
    cells = _cells(rows, columns, found.rows)
    return Matrix(rows=rows, columns=columns, cells=cells, totals=totals_of(cells=(found.count, cells)))


@snapshot()
def cells_of(filters: UsageFilter, rows: str, columns: str, down: list[str], across: list[str]) -> Matrix:
    """Of a matrix only the cells of some values, as a filter takes them."""
    down, across = ({_stored(name, key) for key in keys} for name, keys in ((rows, down), (columns, across)))
    by = LABELS[rows].column, LABELS[columns].column
    found = Reader.of(filters).of_groups(by, list(product(down, across)))
    return Matrix(rows=rows, columns=columns, cells=_cells(rows, columns, found))


def _stored(label, key):
    return "" if key == LABELS[label].key_of("") else key


def _cells(rows, columns, sums):
    down, across = LABELS[rows], LABELS[columns]
    return [
        MatrixCell(row=down.key_of(row), column=across.key_of(column), figures=summary_of(measures))
        for (row, column), measures in sums.items()
    ]
