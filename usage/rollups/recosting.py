"""Re-costing of history, when a price changes."""

from collections import defaultdict
from collections.abc import Iterator
from functools import reduce
from itertools import islice
from operator import add, sub

from django.conf import settings
from django.db.models import Case, F, IntegerField, Max, Min, Value, When

from pricing.book import tells_apart
from pricing.tokenclasses import INPUT_CLASSES
from usage.ingest.costs import COSTED_BY, Costs
from usage.ingest.labels import labels_of, rows_of
from usage.ingest.labelvalues import LabelTotals, Rows
from usage.ingest.statements import correct, move, upsert
from usage.ingest.writer import UNPRICED, day_of, fold_to_days
from usage.models import MEASURES, PRICED, Day, DrainState, Event, LabelDay, LabelQuarter, Quarter, Series
from usage.time.periods import date_of, day_start
from usage.time.units import DAY_MINUTES, MINUTE_US, SECOND_US

INPUT = reduce(add, map(F, INPUT_CLASSES))
EVENTS_AT_ONCE = 20_000  # moved
DAYS_AT_ONCE = 7  # what is in memory, and in the database's cache, at a time: years of a busy proxy would be gigabytes


def recost(series, book, since=None, before=None):
    """Re-cost what a queryset of Series counted, ever or from the local day `since` on, with the prices of `book`.

    In the caller's transaction: takes the writers' lock, moves kept events to the labels that their input size and
    hour have under the book's limits, and recomputes what every rollup row costs. Labels of the book `before` that tell
    apart everything which the new limits do stay: a finer one finds the right card. Raises django.db.Error or
    OverflowError when sums would pass what a column holds; nothing is changed then.
    """
    kept_from = DrainState.lock().events_from or 0
    totals = LabelTotals()
    for model_id in series.order_by().values_list("model_id", flat=True).distinct():
        of_model = series.filter(model_id=model_id)
        weeks = list(_weeks(of_model, since))
        for limits, names in names_by_limits(of_model, book).items():
            moved = [n for n in names if before is None or not tells_apart(before.limits(model_id, n), limits)]
            for days in weeks if moved else ():
                _relabel(of_model.filter(requested_model__in=moved), *limits, days, kept_from)
        costs = Costs(book)
        costs.learn(of_model)
        for days in weeks:
            _recost(of_model, costs, days, totals)


def _weeks(series, since) -> Iterator[tuple[int, int]]:
    """Local days [first, after) that together hold all that the series counted, from a day on."""
    quarters, days = (_bounds(rollup.objects.filter(series__in=series.values("id"))) for rollup in (Quarter, Day))
    found = [*days, *map(day_of, quarters)]
    if not found:
        return
    first, after = min(found), max(found) + 1
    for day in range(first if since is None else max(first, since), after, DAYS_AT_ONCE):
        yield day, min(day + DAYS_AT_ONCE, after)


def _bounds(rows) -> list[int]:
    """The first and last bucket; nothing of nothing."""
    return [bucket for bucket in rows.aggregate(Min("bucket"), Max("bucket")).values() if bucket is not None]


def _recost(series, costs, days, totals):
    """Add to every rollup what the costs of some days change by; days reach further back than quarters."""
    in_series = {"series__in": series.values("id")}
    quarters = _changes(Quarter.objects.filter(**in_series).between(*_edges(days)), costs, day_of)
    of_days = _changes(Day.objects.filter(**in_series).between(*days), costs, int)
    correct(Quarter, quarters)
    correct(Day, of_days)
    correct(LabelQuarter, totals.fold(quarters))
    correct(LabelDay, totals.fold(of_days))


def _changes(rows, costs, to_day) -> Rows:
    """What to add to the measures of those rows whose price is another one now."""
    days, changes, columns = {}, {}, ("bucket", "series_id", *PRICED, *COSTED_BY)
    for bucket, series_id, *row in rows.values_list(*columns).iterator():
        if bucket not in days:
            days[bucket] = to_day(bucket)
        was, counted = tuple(row[: len(PRICED)]), row[len(PRICED) :]
        priced = costs.of(series_id, days[bucket], *counted)
        if priced != was:
            changes[bucket, series_id] = list(map(sub, priced, was))
    return changes


def _edges(days):
    """Where local days [first, after) begin and end, in seconds."""
    return [day_start(date_of(day), settings.TIME_ZONE) for day in days]


def names_by_limits(series, book, moved: dict | None = None) -> dict[tuple, list[str]]:
    """{limits of prices as PriceBook has them: the requested names of series of one model that have them}.

    `moved`: fields of Charged that they are to have instead.
    """
    moved = moved or {}
    names = defaultdict(list)
    for model_id, name in series.order_by().values_list("model_id", "requested_model").distinct():
        names[book.limits(moved.get("model_id", model_id), moved.get("requested_model", name))].append(name)
    return names


def _relabel(series, steps, clocks, days, kept_from):
    """Move the kept events of series in local days [first, after) to their context size and hour, with their totals.

    Costs stay where they were counted: the caller re-costs next. No kept total changes, for none is by these labels.
    Events before the kept detail (µs) stay: those of an import that wait to become totals of days are in none yet.
    """
    start, end = (edge * SECOND_US for edge in _edges(days))
    events = Event.objects.filter(series__in=series.values("id")).between(max(start, kept_from), end)
    events = with_labels(events, steps, clocks)
    events = events.exclude(context=F("series__context_over"), hour=F("series__clock"))
    siblings, moved, by = {}, {}, ("series_id", "context", "hour")
    for series_id, step, clock, bucket, *measures in events.by_quarter().measured(*by, "bucket"):
        label = series_id, step, clock
        if label not in siblings:
            siblings[label] = _sibling(*label)
        for owner, sign in ((series_id, -1), (siblings[label], 1)):
            row = moved.setdefault((bucket, owner), [0] * len(MEASURES))
            moved[bucket, owner] = [a + sign * b for a, b in zip(row, (*measures, *UNPRICED), strict=True)]
    rows = events.order_by("timestamp").values_list(*by, "timestamp", "id").iterator()
    while some := [(siblings[tuple(label)], time, id) for *label, time, id in islice(rows, EVENTS_AT_ONCE)]:
        move(some)
    upsert(Quarter, moved)
    upsert(Day, fold_to_days(moved))


def with_labels(events, steps, clocks):
    """Adds `context` and `hour` as PriceBook.labels says them."""
    over = (When(input__gt=step, then=Value(step)) for step in sorted(steps, reverse=True))
    since = (When(minute__gte=clock, then=Value(clock)) for clock in sorted(clocks, reverse=True))
    minute = F("timestamp") / MINUTE_US % DAY_MINUTES
    last = clocks[-1] if clocks else 0
    return events.annotate(input=INPUT, context=_case(over, 0), minute=minute, hour=_case(since, last))


def _case(whens, default):
    return Case(*whens, default=Value(default), output_field=IntegerField())


def _sibling(series_id, step, clock):
    """The id of the series that differs only in its context size and hour."""
    labels = labels_of(Series.objects.filter(pk=series_id))[series_id]._replace(context_over=step, clock=clock)
    return rows_of([labels])[labels]
