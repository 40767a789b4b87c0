"""How the totals of a period are read: whole months and days, edges from quarter hours, slivers from events.

A filter by one label of Cut alone is read from the totals kept ready for its values, any other from those of series.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from django.conf import settings
from django.db.models import Q

from usage.models import MEASURES, Cut, CutDay, CutHour, CutQuarter, Day, DrainState, Event, Month, Quarter, Series
from usage.query.filters import UsageFilter
from usage.query.plan import Parts, Span, add_edge, hours_in, months_of, parts_of
from usage.query.slivers import Row, by_days, by_quarters
from usage.query.snapshots import once
from usage.query.sums import add_up, less
from usage.time.clock import now_us
from usage.time.periods import Period, hour_of, local_day
from usage.time.units import HOUR_S, QUARTER_S, SECOND_US


@once
def events_from() -> int | None:
    """Where the kept detail begins, in µs; None while everything is kept."""
    return DrainState.objects.filter(pk=1).values_list("events_from", flat=True).first()


@dataclass(frozen=True)
class Reader:
    """Reads the totals of one filter; made once a question."""

    asked: UsageFilter
    events_from: int | None

    @classmethod
    def of(cls, usage_filter: UsageFilter):
        """A reader that knows where the kept detail begins."""
        return cls(usage_filter, events_from())

    def kept(self):
        """A reader of that part of the period of which single events are kept."""
        period, since = self.asked.period, self.events_from
        if since is None or (period.start is not None and period.start >= since):
            return self
        return self.within(Period(since, period.end if period.end is None else max(period.end, since)))

    @cached_property
    def asked_of_events(self) -> UsageFilter:
        """The filter as events of the period are asked: by the index of failures that say something, if it has all."""
        asked = self.asked
        if asked.of_silence and replace(self, asked=replace(asked, events=Q())).kept().all_spoken():
            return replace(asked, spoken=True)
        return asked

    def all_spoken(self) -> bool:
        """Whether all failures of the period, which lies in the kept detail, have a status or a body."""
        period, series = self.asked.period, Series.objects.matching(self.asked).filter(failed=True)
        spoken = Event.objects.between(period.start, period.end).filter(series__in=series).spoken()
        return spoken.count() == self.total()[FAILED]

    def within(self, period: Period):
        """A reader of the same filter over another period."""
        return replace(self, asked=self.asked.with_period(period))

    @cached_property
    def cuts(self) -> list[tuple[int, list[int]]] | None:
        """(1 or -1, ids of cuts): what the filter admits is their sum; None where no totals of it are kept ready."""
        return self._cut and _ids_of(*self._cut)

    @property
    def _cut(self):
        return EVERYTHING if self.asked.admits_all else self.asked.cut

    @once
    def total(self) -> list[int]:
        """Measures (in the order of MEASURES) of the whole period."""
        # A cut has a row a day, which whoever shows the sum shows as well.
        rows = self.per_day().values() if self.cuts is not None else self._period(None).values()
        return [sum(column) for column in zip(*rows, strict=True)] or [0] * len(MEASURES)

    @once
    def per_series(self) -> dict[int, list[int]]:
        """Measures of the period by series id."""
        return self._period("series_id")

    def per_value(self, label: str, value_of: Callable[[int], str]) -> dict[str, list[int]]:
        """Measures of the period by the values of a label of Cut, where no filter is on labels (see `by_value`).

        `value_of` gives that of a series.
        """
        parts = self.parts()
        hours, quarters = hours_in(parts.quarters)
        found = [
            (value, row if sign > 0 else [-measure for measure in row])
            for rollup, spans in ((CutDay, parts.days), (CutHour, hours), (CutQuarter, quarters))
            for span in spans
            for failures_alone, sign in _SIGNS[self.result]
            for value, row in rollup.objects.between(*span).of_values(label, failures_alone).measured_by("cut__value")
        ]
        beside = ((value_of(series), row) for _, series, row in self.daily_slivers(parts.slivers))
        return add_up([*found, *beside])

    @property
    def by_value(self) -> bool:
        """Whether totals of every value of a label add up to what the filter admits: it asks for a result at most."""
        return self._cut is not None and self._cut[0] == Cut.Label.EVERYTHING and not self.asked.of_events

    @property
    def result(self) -> bool | None:
        """The only result asked for, of a filter that is `by_value`: True for failures."""
        return self._cut[2]

    @once
    def per_day(self) -> dict[int, list[int]]:
        """Measures of each local day of the period in which something happened, by day number."""
        parts = self.parts()
        edges = self._edges(parts, "bucket")
        days = self._rollups(Day, parts.days, "bucket")
        return add_up([*days, *((local_day(bucket, settings.TIME_ZONE), row) for bucket, row in edges)])

    def per_hour(self, start: int, end: int | None) -> dict[int, list[int]]:
        """Measures of each hour (UTC) of [start, end) µs in which something happened, by its start in seconds."""
        parts = self.parts_within(start, end)
        hours = self._hours(parts.quarters)
        beside = ((bucket, row) for bucket, _, row in self.slivers(parts.slivers))
        return add_up((hour_of(bucket), row) for bucket, row in [*hours, *beside])

    def _hours(self, spans):
        """(an hour, or a quarter of one, and measures) of spans of quarters."""
        hours, quarters = hours_in(spans) if self._of_cuts("bucket") else ([], spans)
        return [*self._rollups(CutHour, hours, "bucket"), *self._rollups(Quarter, quarters, "bucket")]

    def counts_per_quarter(self, start: int, end: int | None) -> dict[int, list[int]]:
        """Attempts and failures of each quarter hour of [start, end) µs in which something happened."""
        parts = self.parts_within(start, end)
        beside = ((bucket, row[:2]) for bucket, _, row in self.slivers(parts.slivers))
        return add_up([*self._counts(Quarter, parts.quarters), *beside])

    def counts_per_day(self) -> dict[int, list[int]]:
        """Attempts and failures of each local day of the period in which something happened, by day number."""
        parts = self.parts()
        beside = ((bucket, row[:2]) for bucket, _, row in self.daily_slivers(parts.slivers))
        edges = [*self._counts(Quarter, parts.quarters), *beside]
        days = ((local_day(bucket, settings.TIME_ZONE), row) for bucket, row in edges)
        return {day: row for day, row in add_up([*self._counts(Day, parts.days), *days]).items() if row[0]}

    def parts_within(self, start: int, end: int | None) -> Parts:
        """What [start, end) µs is read in where no whole days count: quarters and the slivers beside them."""
        parts = Parts()
        if self.asked.of_events:  # no rollup knows what only events do
            parts.slivers.append((start, end))
        else:
            add_edge(parts, start, end)
        return parts

    def _period(self, by):
        parts = self.parts()
        return add_up([*self._days(parts, by), *self._edges(parts, by)])

    def _days(self, parts, by):
        for span in parts.days:
            months, days = months_of(span)
            yield from self._rollups(Month, months, by)
            yield from self._rollups(Day, days, by)

    def parts(self) -> Parts:
        """What the period is read in."""
        period = self.asked.period
        if self.asked.of_events:  # no rollup knows what only events do
            return Parts(slivers=[(max(period.start or 0, self.events_from or 0), period.end)])
        return parts_of(period.start, period.end, self.events_from, settings.TIME_ZONE)

    def _edges(self, parts, by):
        yield from self._rollups(Quarter, parts.quarters, by)
        place = {"bucket": 0, "series_id": 1}.get(by)
        for row in self.daily_slivers(parts.slivers):
            yield None if place is None else row[place], row[2]

    def _rollups(self, rollup, spans, by) -> Iterator[tuple[int | None, tuple]]:
        if rollup is Quarter and by == "bucket" and not self._of_cuts(by):
            yield from (row for span in spans for row in self._quarters(span))
            return
        for sign, rows in self._rows(rollup, spans, by):
            # A cut has one row a bucket: to let the database sum what is summed already takes longer than to read it.
            found = rows.measures_by(by) if self._of_cuts(by) else rows.measured_by(by)
            yield from found if sign > 0 else ((key, [-value for value in row]) for key, row in found)

    @once
    def _quarters(self, span):
        """(quarter, measures) of a span of quarters, summed from series: who shows hours shows quarters as well."""
        quarters, way = Quarter.objects.between(*span), BY_TIME if _is_short(span) else self._way()
        if way is BY_SERIES:
            return list(quarters.matching(self.asked).measured_by("bucket"))
        if way is BY_TIME:
            return list(quarters.matching_in_order(self.asked).measured_by("bucket"))
        refused = quarters.matching(self._by_labels(way.refused).asked).measured_by("bucket")
        return less(self._by_labels(way.labels, way.cut)._rollups(Quarter, [span], "bucket"), refused)

    @once
    def _way(self):
        """How to sum quarters: by series where few count, from a Wider that admits little else, or all in passing."""
        few = self._by_labels(Q()).total()[REQUESTS] / MANY
        if (mine := self.total()[REQUESTS]) < few:
            return BY_SERIES
        admitted = ((self._by_labels(wider.labels, wider.cut).total()[REQUESTS], wider) for wider in self.asked.wider)
        return next((wider for all_of_it, wider in admitted if all_of_it - mine < few), BY_TIME)

    def _by_labels(self, labels, cut=None):
        """A reader of the same period by other labels."""
        return replace(self, asked=replace(self.asked, labels=labels, cut=cut, wider=(), spoken=False))

    def _counts(self, rollup, spans):
        if not self._of_cuts("bucket"):
            yield from ((bucket, row[:2]) for bucket, row in self._rollups(rollup, spans, "bucket"))
            return
        for sign, rows in self._rows(rollup, spans, "bucket"):
            yield from ((bucket, (sign * n, sign * bad)) for bucket, n, bad in rows.counts_by("bucket"))

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

    def slivers(self, spans: list[Span]) -> Iterator[Row]:
        """(quarter in seconds, series id, measures) of spans too short for rollups, counted and priced from events."""
        for span in spans:
            yield from self._sliver(*span)

    def daily_slivers(self, spans: list[Span]) -> Iterator[Row]:
        """The same for sums by day: of a long span with the first second of the local day for the quarter."""
        for span in spans:
            yield from self._days_of_sliver(*span) if _is_long(span) else self._sliver(*span)

    @once
    def _days_of_sliver(self, start, end):
        return by_days(self.asked_of_events, start, end)

    @once
    def _sliver(self, start, end):
        if self.asked.of_events and self._ends_the_period(start, end):
            return [row for row in self._sliver(*self.parts().slivers[0]) if row[0] >= start // SECOND_US]
        return by_quarters(self.asked_of_events, start, end)

    def _ends_the_period(self, start, end):
        """Whether these are quarters of the period up to its end, whose events were all read for its sum."""
        whole = first, last = self.parts().slivers[0]
        return start > first and end == last and start % (QUARTER_S * SECOND_US) == 0 and not _is_long(whole)


REQUESTS, FAILED = MEASURES.index("requests"), MEASURES.index("failed")
BY_SERIES, BY_TIME = "by series", "by time"
# To find a row by the index of series takes so many times as long as to read one in passing.
MANY = 10
SHORT = 2 * 24 * HOUR_S  # seconds of quarters that are read at once however many series they are of
LONG = 32 * 24 * HOUR_S  # seconds of events of which nobody shows all quarters
EVERYTHING = (Cut.Label.EVERYTHING, ("",), None)
CUT_ROLLUPS = {Quarter: CutQuarter, Day: CutDay}
_SIGNS = {  # how (failures alone, all) add up to failed, to successes, or to both
    True: [(True, 1)],
    False: [(False, 1), (True, -1)],
    None: [(False, 1)],
}


def _is_short(span):
    return None not in span and span[1] - span[0] <= SHORT


def _is_long(span):
    start, end = span
    return (now_us() if end is None else end) - (start or 0) > LONG * SECOND_US


@once
def _ids_of(label, values, failed):
    """The ids of cuts that add up to what has one of the values of a label, each list with its sign."""
    ids: dict[bool, list[int]] = {False: [], True: []}
    for id, failures_alone in Cut.objects.of(label, values).values_list("id", "failed"):
        ids[failures_alone].append(id)
    return [(sign, ids[failures_alone]) for failures_alone, sign in _SIGNS[failed]]
