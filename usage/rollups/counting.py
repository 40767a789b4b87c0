"""What rollups should hold, counted from the events of a local day; and what they hold."""

from django.conf import settings

from pricing.book import PriceBook
from usage.ingest.costs import Costs
from usage.ingest.durations import counted_by
from usage.ingest.labelvalues import LabelTotals, Rows
from usage.ingest.statements import COLUMNS
from usage.ingest.writer import UNPRICED, fold_days
from usage.models import Day, DrainState, Duration, Event, LabelDay, LabelQuarter, Quarter, Series
from usage.time.periods import date_of, day_start, local_day, whole_hour
from usage.time.units import SECOND_US


def kept_days() -> range:
    """Day numbers of the local days whose events are kept; rows that retention has yet to remove do not count."""
    bounds = _bounds(Event, "timestamp", SECOND_US) + _bounds(Quarter, "bucket", 1)
    if not bounds:
        return range(0)
    zone = settings.TIME_ZONE
    first = max(min(bounds), (DrainState.load().events_from or 0) // SECOND_US)
    return range(local_day(first, zone), local_day(max(bounds), zone) + 1)


def _bounds(rows, column, per_second):
    """The first and the last second of a table; [] when it is empty."""
    ordered = rows.objects.order_by(column).values_list(column, flat=True)
    return [value // per_second for value in (ordered.first(), ordered.last()) if value is not None]


def counted(day: int, totals: LabelTotals) -> list[tuple[type, tuple[int, int], Rows]]:
    """(rollup, its buckets [first, after), the rows that the events of a local day make), priced."""
    edges = edges_of(day)
    hours = tuple(map(whole_hour, edges))
    events, of_hours = (Event.objects.between(start * SECOND_US, end * SECOND_US) for start, end in (edges, hours))
    quarters = {row[:2]: [*row[2:], *UNPRICED] for row in events.by_quarter().measured("bucket", "series_id")}
    costs = Costs(PriceBook.load())
    costs.learn(Series.objects.filter(id__among=sorted({series_id for _, series_id in quarters})))
    days = fold_days(quarters, costs)
    return [
        (Quarter, edges, quarters),
        (Day, (day, day + 1), days),
        (LabelQuarter, edges, totals.fold(quarters)),
        (LabelDay, (day, day + 1), totals.fold(days)),
        (Duration, hours, counted_by(of_hours.by_hour(), "hour", "series__model")),
    ]


def stored(rollup, start: int | None, end: int | None) -> Rows:
    """The rows of [start, end) by their key: bucket, then owner or model and kind."""
    key, names = COLUMNS[rollup]
    rows = rollup.objects.between(start, end).values_list(*key, *names)
    return {row[: len(key)]: list(row[len(key) :]) for row in rows}


def edges_of(day: int) -> tuple[int, int]:
    """First second of a local day and of the next."""
    zone = settings.TIME_ZONE
    return day_start(date_of(day), zone), day_start(date_of(day + 1), zone)
