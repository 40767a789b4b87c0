"""How the totals of a period are read: whole months and days, edges from quarter hours, slivers from events.

A filter by one label alone is read from the totals kept ready for its values (Cut), any other from those of series.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import add

from django.conf import settings

from pricing.book import PriceBook
from usage.costs import Costs
from usage.filters import UsageFilter
from usage.models import MEASURES, Cut, CutDay, CutHour, CutQuarter, Day, DrainState, Event, Month, Quarter, Series
from usage.periods import QUARTER, Period, date_of, day_start, first_day_of, hour_of, local_day, month_of, whole_hour

SECOND = 1_000_000
QUARTER_US = QUARTER * SECOND
Span = tuple[int | None, int | None]


@dataclass
class Parts:
    """Half-open spans a period is read in: day numbers, quarter starts (s), and event times (µs)."""

    days: list[Span] = field(default_factory=list)
    quarters: list[Span] = field(default_factory=list)
    slivers: list[Span] = field(default_factory=list)


def parts_of(start: int | None, end: int | None, events_from: int | None, zone: str) -> Parts:
    """Cut the period [start, end) µs into the largest pieces that totals are kept for.

    A day before `events_from` has no parts any more: it counts wholly when its midnight lies in the period.
    """
    parts = Parts()
    first = None if start is None else _day_at_or_after(start, zone)
    last = None if end is None else local_day(end // SECOND, zone)
    in_detail = start is None or events_from is None or start >= events_from
    if first is not None and last is not None and first > last:
        if in_detail:
            add_edge(parts, start, end)
        return parts
    if start is not None and start < _midnight(first, zone) and in_detail:
        add_edge(parts, start, _midnight(first, zone))
    if end is not None and end > _midnight(last, zone):
        if events_from is not None and _midnight(last, zone) < events_from:
            last += 1
        else:
            add_edge(parts, _midnight(last, zone), end)
    if first is None or last is None or first < last:
        parts.days.append((first, last))
    return parts


def add_edge(parts: Parts, start: int | None, end: int | None):
    """Cut [start, end) µs into whole quarters and the slivers beside them."""
    first = None if start is None else -(-start // QUARTER_US)
    last = None if end is None else end // QUARTER_US
    if first is not None and last is not None and first > last:
        parts.slivers.append((start, end))
        return
    if start is not None and start < first * QUARTER_US:
        parts.slivers.append((start, first * QUARTER_US))
    if end is not None and last * QUARTER_US < end:
        parts.slivers.append((last * QUARTER_US, end))
    if first is None or last is None or first < last:
        parts.quarters.append((first and first * QUARTER, last and last * QUARTER))


def _day_at_or_after(moment, zone):
    """The first local day that begins at or after a moment in µs."""
    day = local_day(moment // SECOND, zone)
    return day if _midnight(day, zone) == moment else day + 1


def _midnight(day, zone):
    return day_start(date_of(day), zone) * SECOND


def months_of(span: Span) -> tuple[list[Span], list[Span]]:
    """A span of day numbers as whole months and the days beside them."""
    low = None if span[0] is None else month_of(span[0] - 1) + 1
    high = None if span[1] is None else month_of(span[1])
    return _wider(span, low, high, first_day_of)


def hours_of(span: Span) -> tuple[list[Span], list[Span]]:
    """A span of quarter starts as whole hours (UTC) and the quarters beside them, all in seconds."""
    low = None if span[0] is None else whole_hour(span[0])
    high = None if span[1] is None else hour_of(span[1])
    return _wider(span, low, high, lambda hour: hour)


def _wider(span, low, high, start_of):
    """The wider buckets [low, high) that lie wholly in a span, and what is beside them; `start_of` a wider bucket."""
    first, after = span
    if low is not None and high is not None and low >= high:
        return [], [span]
    beside = []
    if low is not None and first < start_of(low):
        beside.append((first, start_of(low)))
    if high is not None and start_of(high) < after:
        beside.append((start_of(high), after))
    return [(low, high)], beside


@dataclass(frozen=True)
class Reader:
    """Reads the totals of one filter; made once a question."""

    asked: UsageFilter
    events_from: int | None

    @classmethod
    def of(cls, usage_filter: UsageFilter):
        """A reader that knows where the kept detail begins."""
        return cls(usage_filter, DrainState.load().events_from)

    def within(self, period: Period):
        """A reader of the same filter over another period."""
        other = replace(self, asked=self.asked.with_period(period))
        other.__dict__["cuts"] = self.cuts  # they depend on labels alone
        return other

    @cached_property
    def cuts(self) -> list[tuple[int, list[int]]] | None:
        """(1 or -1, ids of cuts): what the filter admits is their sum; None where no totals of it are kept ready."""
        cut = EVERYTHING if self.asked.admits_all else self.asked.cut
        if cut is None:
            return None
        label, values, failed = cut
        ids: dict[bool, list[int]] = {False: [], True: []}
        for id, failures_alone in Cut.objects.of(label, values).values_list("id", "failed"):
            ids[failures_alone].append(id)
        return [(sign, ids[failures_alone]) for failures_alone, sign in _SIGNS[failed]]

    def total(self) -> list[int]:
        """Measures (in the order of MEASURES) of the whole period."""
        return self._period(None).get(None, [0] * len(MEASURES))

    def per_series(self) -> dict[int, list[int]]:
        """Measures of the period by series id."""
        return self._period("series_id")

    def per_day(self) -> dict[int, list[int]]:
        """Measures of each local day of the period in which something happened, by day number."""
        parts = self._parts()
        edges = self._edges(parts, "bucket")
        days = self._rollups(Day, parts.days, "bucket")
        return add_up([*days, *((local_day(bucket, settings.TIME_ZONE), row) for bucket, row in edges)])

    def per_hour(self, start: int, end: int | None) -> dict[int, list[int]]:
        """Measures of each hour (UTC) of [start, end) µs in which something happened, by its start in seconds."""
        parts = self.parts_within(start, end)
        hours = [row for span in parts.quarters for row in self._hours(span)]
        slivers = [row for span in parts.slivers for row in self._sliver(span, "bucket")]
        return add_up((hour_of(bucket), row) for bucket, row in [*hours, *slivers])

    def _hours(self, span):
        """(an hour, or a quarter of one, and measures) of a span of quarters."""
        if not self._of_cuts("bucket"):
            return Quarter.objects.matching(self.asked).between(*span).by_hour().measured_by("hour")
        hours, quarters = hours_of(span)
        return [*self._rollups(CutHour, hours, "bucket"), *self._rollups(Quarter, quarters, "bucket")]

    def counts_per_quarter(self, start: int, end: int | None) -> dict[int, list[int]]:
        """Attempts and failures of each quarter hour of [start, end) µs in which something happened."""
        parts = self.parts_within(start, end)
        slivers = ((bucket, row[:2]) for span in parts.slivers for bucket, row in self._sliver(span, "bucket"))
        return add_up([*self._counts(Quarter, parts.quarters), *slivers])

    def counts_per_day(self) -> dict[int, list[int]]:
        """How many attempts and how many failed on each local day ever counted, by day number."""
        if self.asked.of_events:
            return {day: row[:2] for day, row in self.within(Period(None, None)).per_day().items()}
        return {day: row for day, row in add_up(self._counts(Day, [(None, None)])).items() if row[0]}

    def parts_within(self, start: int, end: int | None) -> Parts:
        """What [start, end) µs is read in where no whole days count: quarters and the slivers beside them."""
        parts = Parts()
        if self.asked.of_events:  # no rollup knows what only events do
            parts.slivers.append((start, end))
        else:
            add_edge(parts, start, end)
        return parts

    def _period(self, by):
        parts = self._parts()
        return add_up([*self._days(parts, by), *self._edges(parts, by)])

    def _days(self, parts, by):
        if self._of_cuts(by):
            yield from self._rollups(Day, parts.days, by)
            return
        for span in parts.days:
            months, days = months_of(span)
            yield from self._rollups(Month, months, by)
            yield from self._rollups(Day, days, by)

    def _parts(self):
        period = self.asked.period
        if self.asked.of_events:  # no rollup knows what only events do
            return Parts(slivers=[(max(period.start or 0, self.events_from or 0), period.end)])
        return parts_of(period.start, period.end, self.events_from, settings.TIME_ZONE)

    def _edges(self, parts, by):
        yield from self._rollups(Quarter, parts.quarters, by)
        for span in parts.slivers:
            yield from self._sliver(span, by)

    def _rollups(self, rollup, spans, by) -> Iterator[tuple[int | None, tuple]]:
        for sign, rows in self._rows(rollup, spans, by):
            # A cut has one row a bucket: to let the database sum what is summed already takes longer than to read it.
            found = rows.measures_by(by) if self._of_cuts(by) and by else rows.measured_by(by)
            yield from found if sign > 0 else ((key, [-value for value in row]) for key, row in found)

    def _counts(self, rollup, spans):
        for sign, rows in self._rows(rollup, spans, "bucket"):
            found = rows.counts_by("bucket") if self._of_cuts("bucket") else rows.counted_by("bucket")
            yield from ((bucket, (sign * total, sign * failed)) for bucket, total, failed in found)

    def _of_cuts(self, by):
        return by != "series_id" and self.cuts is not None

    def _rows(self, rollup, spans, by):
        """(1 or -1, rows to add up with this sign), of cuts or of series."""
        for span in spans:
            if self._of_cuts(by):
                rows = CUT_ROLLUPS.get(rollup, rollup).objects.between(*span)
                yield from ((sign, rows.filter(cut__in=cuts)) for sign, cuts in self.cuts)
            else:
                yield 1, rollup.objects.matching(self.asked).between(*span)

    def _sliver(self, span, by):
        for bucket, series_id, measures in self.slivers([span]):
            yield {"bucket": bucket, "series_id": series_id}.get(by), measures

    def slivers(self, spans: list[Span]) -> Iterator[tuple[int, int, list[int]]]:
        """(quarter in seconds, series id, measures) of spans too short for rollups, counted and priced from events."""
        for span in spans:
            rows = Event.objects.between(*span).matching(self.asked).by_quarter().measured("bucket", "series_id")
            yield from self._priced(list(rows))

    def _priced(self, rows):
        series = Series.objects.filter(id__in={row[1] for row in rows})
        costs = Costs(PriceBook.current()) if rows else None
        for labels in series.values_list("id", "model_id", "tier", "context_over"):
            costs.learn(*labels)
        for bucket, series_id, *counted in rows:
            measures = [*counted, 0, 0]
            costs.fill(series_id, local_day(bucket, settings.TIME_ZONE), measures)
            yield bucket, series_id, measures


EVERYTHING = (Cut.Label.EVERYTHING, ("",), None)
CUT_ROLLUPS = {Quarter: CutQuarter, Day: CutDay}
_SIGNS = {  # how (failures alone, all) add up to failed, to successes, or to both
    True: [(True, 1)],
    False: [(False, 1), (True, -1)],
    None: [(False, 1)],
}


def add_up(rows) -> dict[int | None, list[int]]:
    """Sum (key, measures) pairs by key."""
    sums: dict[int | None, list[int]] = {}
    for key, measures in rows:
        have = sums.get(key)
        sums[key] = list(measures) if have is None else list(map(add, have, measures))
    return sums
