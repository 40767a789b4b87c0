"""Rollups from events: made anew, or compared to the unit. Nothing before the kept detail is touched."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min

from pricing.book import PriceBook
from usage.ingest import durations
from usage.ingest.costs import Costs
from usage.ingest.cuts import Cuts
from usage.ingest.finality import settle_stored
from usage.ingest.writer import fold_days, upsert
from usage.models import (
    COUNTS,
    MEASURES,
    CutDay,
    CutHour,
    CutQuarter,
    Day,
    DrainState,
    Duration,
    Event,
    Quarter,
    Series,
)
from usage.query.snapshots import snapshot
from usage.rollups.derived import derive_months, months_from, part_of_hours, parts_of_month, parts_of_quarters, stored
from usage.rollups.recosting import recost
from usage.time.periods import date_of, day_start, local_day, month_of, whole_hour
from usage.time.units import SECOND_US


class Difference(NamedTuple):
    """A rollup row that does not equal its events; None stands for a missing row, `owner` is a series, cut or model."""

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


def kept_days() -> range:
    """Day numbers of the local days whose events are kept; rows that retention has yet to remove do not count."""
    bounds = _bounds(Event, "timestamp", SECOND_US) + _bounds(Quarter, "bucket", 1)
    if not bounds:
        return range(0)
    events_from = DrainState.load().events_from
    first, last = (local_day(edge(bounds), settings.TIME_ZONE) for edge in (min, max))
    kept_from = first if events_from is None else local_day(events_from // SECOND_US, settings.TIME_ZONE)
    return range(max(first, kept_from), last + 1)


def _bounds(rows, column, per_second):
    """First and last second of a table, [] when it is empty."""
    ordered = rows.objects.order_by(column).values_list(column, flat=True)
    return [value // per_second for value in (ordered.first(), ordered.last()) if value is not None]


def rebuild() -> Iterator[int]:
    """Recompute finality and every rollup row of the kept days, a day a transaction; yields each day number done."""
    follow_zone()
    with transaction.atomic():
        DrainState.lock()
        settle_stored(_shared_request_ids())
    for day in kept_days():
        with transaction.atomic():
            DrainState.lock()
            _rebuild_day(day)
        yield day
    with transaction.atomic():
        DrainState.lock()
        derive_months(None, Cuts())


def follow_zone() -> bool:
    """Count the local days anew if the project's zone is not the one they were counted in; whether it was not.

    Days before the kept detail stay under their calendar date. The detail then begins with a midnight of the new zone;
    what lies between the old and the new beginning is added to the day it belongs to there, so that no total changes.
    Every process that writes calls this at its start. One transaction: a changed zone is rare, and half of it is wrong.
    """
    zone = settings.TIME_ZONE
    if DrainState.load().zone == zone:
        return False
    with transaction.atomic():
        state = DrainState.lock()
        before, state.zone = state.zone, zone
        if before and before != zone:
            _count_days_anew(state, before)
        state.save(update_fields=["zone", "events_from"])
    return bool(before)


def _count_days_anew(state, before):
    start = state.events_from and state.events_from // SECOND_US
    Day.objects.between(start and local_day(start, before), None).delete()
    if start is not None:
        first = local_day(start - 1, settings.TIME_ZONE) + 1
        state.events_from = day_start(date_of(first), settings.TIME_ZONE) * SECOND_US
    # Prices change at a midnight, which is another one now; sizes do not, and the days to move them in are gone.
    recost(Series.objects.all(), PriceBook.load(), relabels=False)
    for day in kept_days():
        edges = edges_of(day)
        rows = Quarter.objects.between(max(edges[0], start or 0), edges[1]).measured_by("series_id")
        upsert(Day, {(day, series_id): measures for series_id, measures in rows})
    derive_months(start and local_day(start, before) - 1, Cuts())


def check() -> Iterator[Difference]:
    """Every rollup row that does not equal its events, found a day at a time without a lock.

    Of what lies before the kept detail only sums can be compared: months and cuts with the days they are made of.
    """
    cuts, wrong = Cuts(), set()
    for day in kept_days():
        found = wrong_in_day(day, cuts)
        wrong |= {month_of(day) for each in found if each.rollup == "Day"}
        yield from found
    for month in kept_months():
        if month not in wrong:  # a wrong day makes its month look wrong
            yield from wrong_in_month(month, cuts)


def kept_months() -> list[int]:
    """Months in which anything is counted."""
    return months_from(None)


def wrong_in_day(day: int, cuts: Cuts) -> list[Difference]:
    """The rows of a local day that do not equal its events, in one snapshot."""
    with snapshot():
        return list(_differences(day, cuts))


def wrong_in_month(month: int, cuts: Cuts) -> list[Difference]:
    """The rows of a month, and of cuts in its days, that do not equal the days they are made of; in one snapshot."""
    with snapshot():
        return list(_wrong_sums(month, cuts))


def _differences(day, cuts):
    quarters, days = _count_day(day)
    yield from _unlike(Quarter, stored(Quarter, *edges_of(day)), quarters)
    yield from _unlike(Day, stored(Day, day, day + 1), days)
    yield from _unlike(CutQuarter, stored(CutQuarter, *edges_of(day)), cuts.fold(quarters))
    hours = part_of_hours(*edges_of(day))
    yield from _unlike(CutHour, hours.stored(), hours.rows)
    yield from _unlike(CutDay, stored(CutDay, day, day + 1), cuts.fold(days))
    yield from _unlike(Duration, durations.stored(*edges_of(day)), durations.counted(*edges_of(day)))


def _wrong_sums(month, cuts):
    kept = kept_days()
    for part in parts_of_month(month, cuts):
        for difference in _unlike(part.rollup, part.stored(), part.rows):
            if not (part.rollup is CutDay and difference.bucket in kept):
                yield difference


def _unlike(rollup, have, wanted):
    for key in sorted(have.keys() | wanted.keys()):
        row, counted = (tuple(rows[key]) if key in rows else None for rows in (have, wanted))
        # A row of zeros is as good as none: attempts move from one request to another, labels to a new step.
        if row != counted and any(row or counted or ()):
            yield Difference(rollup.__name__, *key[:2], row, counted)


def _shared_request_ids():
    """Request ids that several events carry, by the UTC days from the first to the last on which these ended."""
    shared = defaultdict(list)
    # The ids are random and nearly as many as the events: to count them a part at a time takes a part of the memory.
    for low, high in pairwise(("", *"123456789abcdef", None)):
        part = Event.objects.filter(request_id__gt=low) if not low else Event.objects.filter(request_id__gte=low)
        if high:
            part = part.filter(request_id__lt=high)
        rows = part.values("request_id").annotate(first=Min("ended_day"), last=Max("ended_day"), n=Count("id"))
        for id, first, last in rows.filter(n__gt=1).order_by().values_list("request_id", "first", "last"):
            shared[range(first, last + 1)].append(id)
    return shared


def _rebuild_day(day):
    quarters, days = _count_day(day)
    for rollup, rows in ((Quarter, quarters), (Day, days)):
        _stored(rollup, day).delete()
        upsert(rollup, rows)
    _rebuild_durations(day)
    cuts = Cuts()
    for part in (*parts_of_quarters(*edges_of(day), cuts), *parts_of_month(month_of(day), cuts)):
        part.derive()


def _rebuild_durations(day):
    start, end = (whole_hour(edge) for edge in edges_of(day))
    Duration.objects.between(start, end).delete()
    upsert(Duration, durations.counted(start, end))


def _stored(rollup, day):
    return rollup.objects.between(day, day + 1) if rollup is Day else rollup.objects.between(*edges_of(day))


def _count_day(day):
    """The quarter and day rows a local day's events make, priced."""
    start, end = edges_of(day)
    events = Event.objects.between(start * 1_000_000, end * 1_000_000).by_quarter()
    quarters = {row[:2]: [*row[2:], 0, 0] for row in events.measured("bucket", "series_id")}
    costs = Costs(PriceBook.load())
    costs.learn(Series.objects.filter(id__in={series_id for _, series_id in quarters}))
    return quarters, fold_days(quarters, costs)


def edges_of(day: int) -> tuple[int, int]:
    """First second of a local day and of the next."""
    zone = settings.TIME_ZONE
    return day_start(date_of(day), zone), day_start(date_of(day + 1), zone)
