"""Reads the totals of a filter: the ranges of a plan, each from the table that answers for it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from django.conf import settings
from django.db.models import Count, Exists

from usage.models import MEASURES, PRICED, DrainState, LabelValue, Series
from usage.models.querysets import RollupQuerySet
from usage.query.filters import UsageFilter
from usage.query.names import owners
from usage.query.partial import partial_buckets
from usage.query.plan import Range, Table, plan, plan_of_detail
from usage.query.snapshots import once
from usage.query.source import GROUP, KEY, OWNER_OF, Source, keyed, source
from usage.query.sums import add_up
from usage.time.periods import Period, local_day
from usage.time.units import HOUR_S

COUNTS = ("requests", "failed")
MANY = 10_000  # series, or values of a label, of which all is read at once
# What is read where there are more; of some of these values then the rest.
RANKED_BY = ("requests", "failed", "total", "without_tokens", "cache_write_unspecified", *PRICED)


class Row(NamedTuple):
    """Measures of one bucket (a day number or the start of a quarter hour in seconds) and one group."""

    table: Table
    bucket: int
    group: tuple
    measures: list[int]

    @property
    def day(self) -> int:
        """The local day that the row counts on."""
        return self.bucket if self.table is Table.DAY else local_day(self.bucket, settings.TIME_ZONE)


@once
def _state() -> tuple[int | None, bool, bool]:
    """Where the kept detail begins, and whether there are more than MANY series, and label values."""
    many = [Exists(table.objects.order_by("id")[MANY:]) for table in (Series, LabelValue)]
    return DrainState.objects.filter(pk=1).values_list("events_from", *many).first() or (None, False, False)


@once
def _flooded_labels() -> set[str]:
    """The labels of whose values there are more than MANY."""
    counted = LabelValue.objects.values_list("label").annotate(number=Count("id")).filter(number__gt=MANY)
    return set(counted.values_list("label", flat=True))


def events_from() -> int | None:
    """Where the kept detail begins, in µs; None while everything is kept."""
    return _state()[0]


@dataclass(frozen=True)
class Reader:
    """Reads the totals of one filter."""

    filters: UsageFilter
    events_from: int | None

    @classmethod
    def of(cls, filters: UsageFilter):
        """A reader that knows where the kept detail begins."""
        return cls(filters, events_from())

    def within(self, period: Period):
        """A reader of the same filter over another period."""
        return replace(self, filters=self.filters.with_period(period))

    def kept(self):
        """A reader of that part of the period of which single events are kept."""
        period, since = self.filters.period, self.events_from
        if since is None or (period.start is not None and period.start >= since):
            return self
        return self.within(Period(since, period.end if period.end is None else max(period.end, since)))

    def is_flooded(self, *columns: str) -> bool:
        """Whether the values of columns of Series may be too many to read all of them."""
        (_, many_series, many_values), found = _state(), source(self.filters, columns)
        is_many = many_values and found.label in _flooded_labels() if found.label is not None else many_series
        return is_many and not self.filters.of_events

    def plan(self) -> list[Range]:
        """The ranges that the period is read from."""
        period = self.filters.period
        if self.filters.of_events:
            return [Range(Table.EVENT, max(period.start or 0, self.events_from or 0), period.end)]
        return plan(period, self.events_from, settings.TIME_ZONE)

    def plan_of_detail(self, start: int, end: int | None) -> list[Range]:
        """What [start, end) µs is read from where days are too coarse."""
        return [Range(Table.EVENT, start, end)] if self.filters.of_events else plan_of_detail(start, end)

    def total(self) -> list[int]:
        """Measures (in the order of MEASURES) of the whole period."""
        rows = self.per_day().values()
        return [sum(column) for column in zip(*rows, strict=True)] or [0] * len(MEASURES)

    @once
    def per_day(self) -> dict[int, list[int]]:
        """Measures of each local day of the period in which something happened, by day number."""
        return _summed((row.day, row.measures) for row in self.rows(self.plan()))

    def per_hour(self, start: int, end: int | None) -> dict[int, list[int]]:
        """Measures of each hour (UTC) of [start, end) µs in which something happened, by its start in seconds."""
        rows = self.rows(self.plan_of_detail(start, end))
        return _summed((row.bucket // HOUR_S * HOUR_S, row.measures) for row in rows)

    def counts_per_quarter(self, start: int, end: int | None) -> dict[int, list[int]]:
        """Attempts and failures of each quarter hour of [start, end) µs in which something happened."""
        rows = self.rows(self.plan_of_detail(start, end), names=COUNTS)
        return _summed((row.bucket, row.measures) for row in rows)

    @once
    def counts_per_day(self) -> dict[int, list[int]]:
        """Attempts and failures of each local day of the period in which something happened, by day number."""
        return _summed((row.day, row.measures) for row in self.rows(self.plan(), names=COUNTS))

    def by(self, *columns: str) -> dict[tuple, list[int]]:
        """Measures of the period by the values of columns of Series."""
        return self._grouped(columns, MEASURES)

    def some_by(self, columns: tuple[str, ...], names: tuple[str, ...]) -> dict[tuple, tuple[int, ...]]:
        """At least two measures, of RANKED_BY, of the period by values of columns of Series, however many there are."""
        read = RANKED_BY if self.is_flooded(*columns) else MEASURES
        rows, some = self._grouped(columns, read), itemgetter(*map(read.index, names))
        return dict(zip(rows, map(some, rows.values()), strict=True))

    def of_groups(self, columns: tuple[str, ...], groups) -> dict[tuple, list[int]]:
        """Measures of the period of some groups of values of columns of Series; those without any are left out."""
        if not self.is_flooded(*columns):
            found = self.by(*columns)
        else:
            among = tuple(tuple(sorted(set(values))) for values in zip(*groups, strict=True))
            found = self._grouped(columns, MEASURES, among) if groups else {}
        return {group: found[group] for group in groups if group in found}

    def values(self, *columns: str) -> dict[str, set]:
        """The values of each of these columns of Series that occur in the period."""
        if self.is_flooded("id"):  # each label has totals of its own
            return {column: self._values(column) for column in columns}
        series = Series.objects.filter(id__among=sorted(self._values("id"))).order_by()
        rows = series.values_list(*columns)  # of few series: to look for each column by itself takes many times as long
        return {column: {row[place] for row in rows} for place, column in enumerate(columns)}

    def _values(self, column):
        found, occurring = source(self.filters, (column,)), set()
        for each in self.plan():
            if each.table is Table.EVENT:
                occurring |= {row.group[0] for row in self._of_events(each, (column,), COUNTS)}
            else:  # to add something up would take half as long again
                rows = found.rows(each.table).between(each.start, each.end)
                occurring |= set(rows.order_by().values_list(*found.columns, flat=True).distinct())
        return occurring

    def rows(
        self,
        ranges: list[Range],
        by: tuple[str, ...] = (),
        names: tuple[str, ...] = MEASURES,
        among=(),
        with_cost=False,
    ) -> Iterator[Row]:
        """The named measures of each bucket of a plan, and of each group of values of columns of Series.

        `among`: the values of each of these columns that are wanted; none for all. `with_cost`: what cost nothing may
        be left out.
        """
        if OWNER_OF in by:
            for row in self.rows(ranges, keyed(by), names, _keys_among(by, among), with_cost):
                yield row._replace(group=_owned(by, row.group))
            return
        found = source(self.filters, by)
        for each in ranges:
            if each.table is Table.EVENT:
                yield from self._of_events(each, by, names, among)
            else:
                yield from _of_rollups(found, each, names, among, with_cost)

    @once
    def _grouped(self, columns, names, among=()) -> dict[tuple, list[int]]:
        """Measures by group, where there are any; the database adds up the buckets of each range."""
        if OWNER_OF in columns:
            rows = self._grouped(keyed(columns), names, _keys_among(columns, among))
            return add_up((_owned(columns, group), measures) for group, measures in rows.items())
        found, width, parts = source(self.filters, columns), len(columns), []
        for each in self.plan():
            if each.table is Table.EVENT:
                parts.append((row.group, row.measures) for row in self._of_events(each, columns, names, among))
            else:
                rows = rows_of(found, each, among).sums_of(names, *found.columns)
                rows = rows if names is MEASURES else rows.iterator()  # not all of the many at once
                parts.append((row[:width], row[width:]) for row in rows)
        return _summed(chain(*parts))

    def _of_events(self, each: Range, by, names, among=()) -> Iterator[Row]:
        rows, places = partial_buckets(self.filters, each.start, each.end), [MEASURES.index(name) for name in names]
        groups = _groups({series for _, series, _ in rows}, by)
        for bucket, series, measures in rows:
            group = groups.get(series, ())
            if all(value in wanted for value, wanted in zip(group, among, strict=False)):
                yield Row(each.table, bucket, group, [measures[place] for place in places])


def _owned(columns, group):
    """A group by keyed(columns) as one by these; a key without an owner counts for itself."""
    values = dict(zip(keyed(columns), group, strict=True))
    values[OWNER_OF] = owners().get(values[KEY], values[KEY])
    return tuple(values[column] for column in columns)


def _keys_among(columns, among):
    """Of keyed(columns) the values that are wanted: keys of wanted owners, and keys that are wanted as owners."""
    if not among:
        return ()
    wanted = dict(zip(columns, among, strict=True))
    own = (key for key, owner in owners().items() if owner in wanted[OWNER_OF])
    wanted.setdefault(KEY, (*own, *wanted[OWNER_OF]))
    return tuple(wanted[column] for column in keyed(columns))


def rows_of(found: Source, each: Range, among=()) -> RollupQuerySet:
    """The rows of a range of rollups; `among`: see Reader.rows."""
    rows = found.rows(each.table).between(each.start, each.end)
    if GROUP in found.columns:
        rows = rows.with_group()
    return rows.filter(
        **{f"{column}__among": list(wanted) for column, wanted in zip(found.columns, among, strict=False)}
    )


def _of_rollups(found: Source, each: Range, names, among, with_cost) -> Iterator[Row]:
    if found.minus is not None:
        for row in _of_rollups(found.minus, each, names, among, with_cost):
            yield row._replace(measures=[-value for value in row.measures])
    rows, width = rows_of(found, each, among), 1 + len(found.columns)
    if with_cost:
        rows = rows.filter(cost__gt=0)
    by = ("bucket", *found.columns)
    # Kept totals have one row a bucket and value: to let the database add them up takes longer than to read them.
    for row in rows.values_list(*by, *names) if found.label is not None else rows.sums_of(names, *by):
        yield Row(each.table, row[0], row[1:width], list(row[width:]))


def _summed(rows) -> dict:
    """Sums by key, where there are any: of a difference nothing may be left."""
    return {key: measures for key, measures in add_up(rows).items() if any(measures)}


def _groups(series: set[int], columns) -> dict[int, tuple]:
    """The values of these columns, by series id."""
    if not columns or not series:
        return {}
    if columns == ("id",):  # which needs no look
        return {id: (id,) for id in series}
    rows = Series.objects.filter(id__among=sorted(series)).with_group().values_list("id", *columns)
    return {id: tuple(values) for id, *values in rows}
