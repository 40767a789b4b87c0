"""Two labels against each other as a heat table: the largest rows and columns, the rest left out and said so. Pure."""

from typing import NamedTuple

from usage.analytics.answers import Summary
from usage.analytics.breakdowns import Breakdown, Matrix
from usage.dashboard.panels.heat import LEVELS
from usage.dashboard.panels.toplists import FIELDS

MOST = 12


class Crossed(NamedTuple):
    """One row: its key and label, then (figures or None, level of heat) for each column."""

    key: str
    label: str
    cells: list[tuple[Summary | None, str]]


class Crosstab(NamedTuple):
    """Columns as (key, label); `rest` tells how many rows and columns are not shown."""

    columns: list[tuple[str, str]]
    rows: list[Crossed]
    rest: tuple[int, int]


def crosstab(down: Breakdown, across: Breakdown, matrix: Matrix, measure: str) -> Crosstab:
    """The matrix of two breakdowns by a measure of FIELDS, the largest first."""
    field = FIELDS[measure]
    cells = {(cell.row, cell.column): cell.figures for cell in matrix.cells}
    rows, columns = (sorted(each.rows, key=lambda row: -getattr(row.figures, field)) for each in (down, across))
    most = max((getattr(figures, field) for figures in cells.values()), default=0)
    found = [
        Crossed(row.key, row.label, [_cell(cells.get((row.key, c.key)), field, most) for c in columns[:MOST]])
        for row in rows[:MOST]
    ]
    rest = (max(0, len(rows) - MOST), max(0, len(columns) - MOST))
    return Crosstab([(column.key, column.label) for column in columns[:MOST]], found, rest)


def _cell(figures, field, most):
    if figures is None:
        return None, "0"
    value = getattr(figures, field)
    return figures, str(1 + min(LEVELS - 1, int(LEVELS * (value / most) ** 0.5))) if value else "0"
