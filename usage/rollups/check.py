"""Every rollup compared to the unit: with the kept events, and before them with the days it is the sum of."""

from collections.abc import Iterator
from typing import NamedTuple

from usage.ingest.labelvalues import LabelTotals
from usage.models import COUNTS, MEASURES, Day, Duration, LabelDay
from usage.models.snapshots import snapshot
from usage.rollups.counting import counted, kept_days, stored

DAYS_AT_ONCE = 31  # of days before the kept detail


class Difference(NamedTuple):
    """A wrong rollup row; None stands for a missing row, `owner` is the id of a series, label value or model."""

    rollup: str
    bucket: int
    owner: int
    stored: tuple | None
    counted: tuple | None

    def wrong(self) -> list[tuple[str, int, int]]:
        """(measure, stored, counted) of each measure that differs; a missing row holds zeros."""
        names = COUNTS if self.rollup == Duration.__name__ else MEASURES
        nothing = (0,) * len(names)
        rows = zip(names, self.stored or nothing, self.counted or nothing, strict=True)
        return [row for row in rows if row[1] != row[2]]


def check() -> Iterator[Difference]:
    """Every wrong row, found some days at a time without a lock."""
    totals = LabelTotals()
    for day in kept_days():
        yield from wrong_in_day(day, totals)
    for days in closed_days():
        yield from wrong_in_closed_days(*days, totals)


def closed_days() -> list[tuple[int, int]]:
    """Local days [first, after) before the kept detail, some at a time; of them only the sums can be compared."""
    kept = kept_days()
    found = [day for rollup in (Day, LabelDay) for day in rollup.objects.buckets() if day not in kept]
    if not found:
        return []
    first, after = min(found), max(found) + 1
    return [(day, min(day + DAYS_AT_ONCE, after)) for day in range(first, after, DAYS_AT_ONCE)]


def wrong_in_day(day: int, totals: LabelTotals) -> list[Difference]:
    """The rows of a local day that do not equal its events, in one snapshot."""
    with snapshot():
        found = counted(day, totals)
        return [each for rollup, span, rows in found for each in _differences(rollup, stored(rollup, *span), rows)]


def wrong_in_closed_days(first: int, after: int, totals: LabelTotals) -> list[Difference]:
    """The kept totals of days before the kept detail that do not equal those of series, in one snapshot."""
    with snapshot():
        kept = kept_days()
        wrong = _differences(LabelDay, stored(LabelDay, first, after), totals.fold(stored(Day, first, after)))
        return [each for each in wrong if each.bucket not in kept]


def _differences(rollup, have, wanted) -> Iterator[Difference]:
    for key in sorted(have.keys() | wanted.keys()):
        row, wants = (tuple(rows[key]) if key in rows else None for rows in (have, wanted))
        # A row of zeros is as good as none: attempts move from one request to another, labels to a new step.
        if row != wants and any(row or wants or ()):
            yield Difference(rollup.__name__, *key[:2], row, wants)
