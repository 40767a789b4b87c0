"""A period by the values of a label, or of two."""

from typing import Annotated

from msgspec import Meta, Struct

from usage.analytics.answers import Summary, summary_of
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.names import names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot


class BreakdownRow(Struct, frozen=True, kw_only=True):
    """What one value of a label used."""

    key: Annotated[str, Meta(description="The value a filter takes.")]
    label: Annotated[str, Meta(description="How to show it.")]
    figures: Summary


class Breakdown(Struct, frozen=True, kw_only=True):
    """A period by the values of one label."""

    by: str
    rows: list[BreakdownRow]


class MatrixCell(Struct, frozen=True, kw_only=True):
    """What one pair of values used; the keys are those of filters."""

    row: str
    column: str
    figures: Summary


class Matrix(Struct, frozen=True, kw_only=True):
    """A period by two labels."""

    rows: str
    columns: str
    cells: list[MatrixCell]


@snapshot()
def breakdown(filters: UsageFilter, by: str) -> Breakdown:
    """Most tokens first."""
    label = LABELS[by]
    sums = {value: row for (value,), row in Reader.of(filters).by(label.column).items()}
    names = names_of(label, set(sums))
    rows = [
        BreakdownRow(key=names[value][0], label=names[value][1], figures=summary_of(row)) for value, row in sums.items()
    ]
    rows.sort(key=lambda row: (-row.figures.total_tokens, -row.figures.total, row.label))
    return Breakdown(by=by, rows=rows)


@snapshot()
def matrix(filters: UsageFilter, rows: str, columns: str) -> Matrix:
    """A cell for each pair of values that occurs."""
    down, across = LABELS[rows], LABELS[columns]
    sums = Reader.of(filters).by(down.column, across.column)
    cells = [
        MatrixCell(row=down.key_of(row), column=across.key_of(column), figures=summary_of(measures))
        for (row, column), measures in sums.items()
    ]
    return Matrix(rows=rows, columns=columns, cells=cells)
