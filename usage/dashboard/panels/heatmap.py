"""Heat maps: how busy each cell is and whether requests failed in it, as classes of the stylesheet. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from usage.analytics.answers import Cell, DayCell
from usage.time.periods import ALWAYS, Period, clipped

LEVELS = 4
WARN_SHARE, BAD_SHARE = 0.1, 0.5  # shares of failures from which a cell is amber, and red


class Row(NamedTuple):
    """One row of cells: where they begin, the period its link lists, a class a cell, and its counts for tooltips."""

    start: str
    period: tuple[str, str]
    total: int
    failed: int
    classes: list[str]
    counts: str


class Month(NamedTuple):
    """One month of a year view: weeks of seven cells, None where a weekday is of another month."""

    date: str
    weeks: list[list[tuple[DayCell, str] | None]]


def rows(
    grid: list[list[Cell]], seconds: int, since: str, now: str, *, until: str = "", period: Period = ALWAYS
) -> list[Row]:
    """Rows of cells `seconds` long, newest day last, from that of `since` on, up to those that begin at `until`.

    They count what is in the period alone. Empty cells before `since` or after `now` are of class n. All moments are as
    in the cells.
    """
    busiest = typical_most(cell.total for row in grid for cell in row)
    wanted = (cells for cells in grid if cells and (not until or cells[0].bucket <= until))
    found = ((cells, _end(cells, seconds)) for cells in wanted)
    return [
        _row(cells, clipped(period, cells[0].bucket, end), busiest, since, now) for cells, end in found if end > since
    ]


def months(days: list[DayCell], since: str, until: str) -> list[Month]:
    """The days of a year as calendars, weeks from Monday on, from the month of one ISO date to that of another.

    Days before or after these are None; weeks of such days alone are left out.
    """
    used = [day.date for day in days if day.total]
    since, until = min([since, *used]), max([until, *used])
    busiest = typical_most(day.total for day in days)
    found: dict[str, list] = {}
    for day in days:
        if since[:7] <= day.date[:7] <= until[:7]:
            cells = found.setdefault(day.date[:7], [None] * datetime.fromisoformat(day.date).weekday())
            cells.append((day, failure_level(day, busiest)) if since <= day.date <= until else None)
    weeks = {month: [cells[i : i + 7] for i in range(0, len(cells), 7)] for month, cells in found.items()}
    return [Month(f"{month}-01", [week for week in all_ if any(week)]) for month, all_ in weeks.items()]


def strip_classes(cells: list) -> list[str]:
    """Classes of a single row of cells."""
    busiest = typical_most(cell.total for cell in cells)
    return [failure_level(cell, busiest) for cell in cells]


def counts(cells: list) -> str:
    """Attempts of each cell, and after a slash the failed ones, as tooltips read them: `12 34/1 0`."""
    return " ".join(f"{cell.total}/{cell.failed}" if cell.failed else str(cell.total) for cell in cells)


def failure_level(cell, busiest: int) -> str:
    """0 for no attempts, 1 to 4 (green) by volume, w (amber) and x (red) by the share of failures."""
    failed = cell.failed / cell.total if cell.total else 0
    if failed >= WARN_SHARE:
        return "x" if failed >= BAD_SHARE else "w"
    return str(level(cell.total / busiest, 0.6)) if cell.total else "0"


def level(share: float, exponent: float = 0.5) -> int:
    """1 to LEVELS for a share of the largest; an exponent below 1 keeps small shares apart."""
    return 1 + min(LEVELS - 1, int(LEVELS * share**exponent))


def typical_most(totals: Iterable[int]) -> int:
    """The 98th percentile of what is not empty, so that one burst does not pale everything else."""
    ranked = sorted(total for total in totals if total)
    return ranked[int(len(ranked) * 0.98) - (len(ranked) > 1)] if ranked else 1


def _end(cells, seconds):
    end = datetime.fromisoformat(cells[-1].bucket) + timedelta(seconds=seconds)
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def _row(cells, period, busiest, since, now):
    return Row(
        cells[0].bucket,
        period,
        sum(cell.total for cell in cells),
        sum(cell.failed for cell in cells),
        [failure_level(cell, busiest) if cell.total or since <= cell.bucket <= now else "n" for cell in cells],
        counts(cells),
    )
