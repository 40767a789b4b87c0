"""Rollups from events: made anew, or compared to the unit. Nothing before the kept detail is touched."""

from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from pricing.book import PriceBook
from usage.costs import Costs
from usage.finality import settle_stored
from usage.ingest import fold_days, upsert
from usage.models import MEASURES, Day, DrainState, Event, Quarter, Series
from usage.periods import date_of, day_start, local_day


class Difference(NamedTuple):
    """A rollup row that does not equal its events; None stands for a missing row."""

    rollup: str
    bucket: int
    series_id: int
    stored: tuple | None
    counted: tuple | None


def kept_days() -> range:
    """Day numbers of the local days whose events are kept."""
    first, last = Event.objects.order_by("timestamp").first(), Event.objects.order_by("timestamp").last()
    bounds = Quarter.objects.order_by("bucket").first(), Quarter.objects.order_by("bucket").last()
    seconds = [event.timestamp // 1_000_000 for event in (first, last) if event]
    seconds += [row.bucket for row in bounds if row]
    if not seconds:
        return range(0)
    return range(local_day(min(seconds), settings.TIME_ZONE), local_day(max(seconds), settings.TIME_ZONE) + 1)


def rebuild() -> Iterator[int]:
    """Recompute finality and every rollup row of the kept days, a day a transaction; yields each day number done."""
    with transaction.atomic():
        state = DrainState.lock()
        settle_stored(_shared_request_ids())
        _drop_days_of_another_zone(state)
    for day in kept_days():
        with transaction.atomic():
            DrainState.lock()
            _rebuild_day(day, None)
        yield day


def rebuild_series(series_ids: list[int]):
    """Recompute the kept days of some series within the caller's transaction, under the writers' lock."""
    for day in kept_days():
        _rebuild_day(day, series_ids)


def check() -> Iterator[Difference]:
    """Every rollup row of the kept days that does not equal its events, found a day at a time."""
    for day in kept_days():
        with transaction.atomic():
            DrainState.lock()
            counted = dict(zip((Quarter, Day), _count_day(day, None), strict=True))
            for rollup, rows in counted.items():
                stored = {
                    row[:2]: row[2:] for row in _stored(rollup, day).values_list("bucket", "series_id", *MEASURES)
                }
                for key in sorted(stored.keys() | rows.keys()):
                    expected = tuple(rows[key]) if key in rows else None
                    if stored.get(key) != expected and any(stored.get(key) or expected or ()):
                        yield Difference(rollup.__name__, *key, stored.get(key), expected)


def _shared_request_ids():
    shared = Event.objects.exclude(request_id="").values("request_id").annotate(n=Count("id")).filter(n__gt=1)
    return list(shared.order_by("request_id").values_list("request_id", flat=True))


def _drop_days_of_another_zone(state):
    """Days counted in another zone cover other instants: those with kept events are counted anew."""
    if state.zone and state.zone != settings.TIME_ZONE and state.events_from is not None:
        Day.objects.filter(bucket__gte=local_day(state.events_from // 1_000_000, settings.TIME_ZONE)).delete()
    elif state.zone != settings.TIME_ZONE:
        Day.objects.all().delete()
    DrainState.objects.filter(pk=1).update(zone=settings.TIME_ZONE)


def _rebuild_day(day, series_ids):
    quarters, days = _count_day(day, series_ids)
    for rollup, rows in ((Quarter, quarters), (Day, days)):
        stale = _stored(rollup, day)
        (stale if series_ids is None else stale.filter(series_id__in=series_ids)).delete()
        upsert(rollup, rows)


def _stored(rollup, day):
    return rollup.objects.between(day, day + 1) if rollup is Day else rollup.objects.between(*edges_of(day))


def _count_day(day, series_ids):
    """The quarter and day rows a local day's events make, priced."""
    start, end = edges_of(day)
    events = Event.objects.between(start * 1_000_000, end * 1_000_000).by_quarter()
    if series_ids is not None:
        events = events.filter(series_id__in=series_ids)
    quarters = {row[:2]: [*row[2:], 0, 0] for row in events.measured("bucket", "series_id")}
    costs = Costs(PriceBook.load())
    series = Series.objects.filter(id__in={series_id for _, series_id in quarters})
    for labels in series.values_list("id", "model_id", "tier", "context_over"):
        costs.learn(*labels)
    return quarters, fold_days(quarters, costs)


def edges_of(day: int) -> tuple[int, int]:
    """First second of a local day and of the next."""
    zone = settings.TIME_ZONE
    return day_start(date_of(day), zone), day_start(date_of(day + 1), zone)
