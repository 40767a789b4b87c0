"""The largest groups of a period, and the others as one, so that no answer grows with what the world sends."""

from collections.abc import Sequence
from heapq import nsmallest
from operator import sub
from typing import NamedTuple

from usage.models import MEASURES
from usage.query.reader import Reader
from usage.query.snapshots import once

MOST = 500  # groups of an answer, unless another number is asked for


class Largest(NamedTuple):
    """Measures by group; those of all other groups together, and how many groups there are with these."""

    rows: dict[tuple, list[int]]
    others: list[int]
    count: int

    @property
    def left_out(self) -> int:
        """How many groups are left out."""
        return self.count - len(self.rows)


@once
def largest(
    reader: Reader, columns: tuple[str, ...], measure: str = "total", most: int = MOST, positive: tuple[str, ...] = ()
) -> Largest:
    """The groups by values of columns of Series that have most of a measure; only those with any of `positive`."""
    sums = reader.some_by(columns, (measure, *(positive or (measure,))))
    if positive:
        sums = {group: row for group, row in sums.items() if any(row[1:])}
    rows, others = reader.of_groups(columns, most_of(sums, most)), [0] * len(MEASURES)
    if len(sums) > len(rows):
        shown = map(sum, zip(*rows.values(), strict=True)) if rows else others
        others = list(map(sub, reader.total(), shown))
    return Largest(rows, others, len(sums))


def most_of(rows: dict[tuple, Sequence[int]], most: int) -> list[tuple]:
    """So many groups, those with most of their first measure, among equals of the next one; all, in their order,
    where these are no more."""
    if len(rows) <= most:
        return list(rows)
    return nsmallest(most, rows, lambda group: ([-value for value in rows[group]], group))
