"""Two labels against each other as a heat table of the largest rows and columns. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from usage.analytics.answers import Summary
from usage.analytics.breakdowns import Breakdown, Matrix
from usage.dashboard.panels.heatmap import level
from usage.dashboard.panels.rankings import FIELDS

MOST = 12


class CrossRow(NamedTuple):
    """One row: its key and label, then (key of the column, figures or None, level of heat) for each column."""

    key: str
    label: str
    cells: list[tuple[str, Summary | None, str]]


class Crosstab(NamedTuple):
    """Columns as (key, label); `rest` is how many rows and columns are not shown."""

    columns: list[tuple[str, str]]
    rows: list[CrossRow]
    rest: tuple[int, int]


def crosstab(
    down: Breakdown, across: Breakdown, cells_of: Callable[[list[str], list[str]], Matrix], measure: str
) -> Crosstab:
    """The largest of two breakdowns by a measure of FIELDS; `cells_of` their keys answers for the cells."""
    field = FIELDS[measure]
    rows, columns = (sorted(each.rows, key=lambda row: -getattr(row.figures, field))[:MOST] for each in (down, across))
    matrix = cells_of([row.key for row in rows], [column.key for column in columns])
    figures = {(cell.row, cell.column): cell.figures for cell in matrix.cells}
    most = max((getattr(each, field) for each in figures.values()), default=0)

    def cell(row, column):
        used = figures.get((row.key, column.key))
        value = getattr(used, field) if used else 0
        return column.key, used, str(level(value / most)) if value else "0"

    return Crosstab(
        [(column.key, column.label) for column in columns],
        [CrossRow(row.key, row.label, [cell(row, column) for column in columns]) for row in rows],
        tuple(len(each.rows) - len(shown) + each.left_out for each, shown in ((down, rows), (across, columns))),
    )
