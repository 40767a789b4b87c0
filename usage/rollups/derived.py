"""Totals that are sums of other totals: what they should be, to make them anew or to compare them."""

from collections.abc import Iterator
from typing import NamedTuple

from usage.ingest.cuts import Cuts, Rows
from usage.ingest.writer import fold_hours, fold_months, upsert
from usage.models import MEASURES, CutDay, CutHour, CutQuarter, Day, Month, Quarter
from usage.time.periods import first_day_of, month_of, whole_hour


class Part(NamedTuple):
    """What the rows of a rollup in [start, end) should be."""

    rollup: type
    start: int
    end: int
    rows: Rows

    def stored(self) -> Rows:
        """What they are."""
        return stored(self.rollup, self.start, self.end)

    def derive(self):
        """Make them so, in the caller's transaction and under the writers' lock."""
        self.rollup.objects.between(self.start, self.end).delete()
        upsert(self.rollup, self.rows)


def parts_of_quarters(start: int, end: int, cuts: Cuts) -> Iterator[Part]:
    """What follows from the quarter hours of [start, end) seconds; make each so before you ask for the next."""
    yield Part(CutQuarter, start, end, cuts.fold(stored(Quarter, start, end)))
    yield part_of_hours(start, end)


def part_of_hours(start: int, end: int) -> Part:
    """What follows from the quarter hours of cuts of the hours that begin in [start, end) seconds."""
    first, after = whole_hour(start), whole_hour(end)
    return Part(CutHour, first, after, fold_hours(stored(CutQuarter, first, after)))


def parts_of_month(month: int, cuts: Cuts) -> Iterator[Part]:
    """What follows from the days of a month."""
    first, after = first_day_of(month), first_day_of(month + 1)
    days = stored(Day, first, after)
    yield Part(Month, month, month + 1, fold_months(days))
    yield Part(CutDay, first, after, cuts.fold(days))


def months_from(day: int | None) -> list[int]:
    """Months in which something is counted, from the one on that a local day lies in; None for all."""
    first = None if day is None else month_of(day)
    start = None if first is None else first_day_of(first)
    found = {month_of(day) for rollup in (Day, CutDay) for day in rollup.objects.between(start, None).buckets()}
    return sorted(found | set(Month.objects.between(first, None).buckets()))


def derive_months(day: int | None, cuts: Cuts):
    """Make everything anew that follows from days, from the month on that a local day lies in."""
    for month in months_from(day):
        for part in parts_of_month(month, cuts):
            part.derive()


def stored(rollup, start: int | None, end: int | None) -> Rows:
    """Measures of the rows of [start, end) by (bucket, owner)."""
    rows = rollup.objects.between(start, end).values_list("bucket", rollup.owner(), *MEASURES)
    return {row[:2]: list(row[2:]) for row in rows}
