"""Heat maps: how full and how troubled each cell is, as classes of the stylesheet. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from usage.analytics.answers import Cell, DayCell

LEVELS = 4
TROUBLED, FAILING = 0.1, 0.5  # shares of failures from which a cell is amber, and red


class Row(NamedTuple):
    """One row of cells: `start` and `end` for its requests, a class a cell, and its counts for the tooltips."""

    label: str
    start: str
    end: str
    total: int
    failed: int
    classes: list[str]
    counts: str  # "12 34/1 0": attempts, and after a slash the failed ones


def level(total: int, failed: int, busiest: int) -> str:
    """0 for nothing, 1 to 4 by volume, w and x for trouble: green, amber and red mean good, look here and wrong."""
    if not total:
        return "0"
    if failed / total >= FAILING:
        return "x"
    if failed / total >= TROUBLED:
        return "w"
    return str(1 + min(LEVELS - 1, int(LEVELS * (total / busiest) ** 0.6)))


def rows(grid: list[list[Cell]], seconds: int, zone) -> list[Row]:
    """Rows of cells `seconds` long, newest day last, labelled with their local start."""
    busiest = typical_most(cell.total for row in grid for cell in row)
    return [_row(row, seconds, zone, busiest) for row in grid if row]


def typical_most(totals: Iterable[int]) -> int:
    """The 98th percentile of what is not empty, so that one burst does not pale everything else."""
    ranked = sorted(total for total in totals if total)
    return ranked[int(len(ranked) * 0.98) - (len(ranked) > 1)] if ranked else 1


def _row(row, seconds, zone, busiest):
    start, last = (datetime.fromisoformat(row[place].bucket) for place in (0, -1))
    return Row(
        start.astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
        row[0].bucket,
        (last + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        sum(cell.total for cell in row),
        sum(cell.failed for cell in row),
        [level(cell.total, cell.failed, busiest) for cell in row],
        " ".join(f"{cell.total}/{cell.failed}" if cell.failed else str(cell.total) for cell in row),
    )


class Month(NamedTuple):
    """One month of a year view: weeks of seven cells, None where a weekday is of another month."""

    date: str
    weeks: list[list[tuple[DayCell, str] | None]]


def months(days: list[DayCell]) -> list[Month]:
    """The year's days as calendars, weeks from Monday on."""
    busiest = typical_most(day.total for day in days)
    found: dict[str, list] = {}
    for day in days:
        cells = found.setdefault(day.date[:7], [None] * datetime.fromisoformat(day.date).weekday())
        cells.append((day, level(day.total, day.failed, busiest)))
    return [Month(f"{month}-01", [cells[i : i + 7] for i in range(0, len(cells), 7)]) for month, cells in found.items()]
