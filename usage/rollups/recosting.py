"""Re-costing of history: what SeriesQuerySet.recost does, in its steps."""

from collections import defaultdict
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Case, F, IntegerField, Max, Min, Q, Value, When

from usage.ingest.costs import CLASSES, Costs
from usage.ingest.cuts import Cuts, Rows
from usage.ingest.labels import STATUS_CODES, Labels, status_of
from usage.ingest.writer import correct, day_of, fold_days, fold_hours, fold_months, upsert_all
from usage.models import MEASURES, CutDay, CutHour, CutQuarter, Day, DrainState, Event, Month, Quarter, Series
from usage.time.periods import date_of, day_start
from usage.time.units import SECOND_US

INPUT = F("uncached") + F("cache_read") + F("cache_write")
IS_STATUS = Q(fail_status_code__gte=STATUS_CODES.start, fail_status_code__lt=STATUS_CODES.stop)
LABELS = ("label", "status")
PRICED = ("cost", "unpriced_tokens", "requests", "total", *MEASURES[CLASSES])
SERIES_AT_ONCE = 200  # named in one statement
DAYS_AT_ONCE = 7  # what is in memory, and in the database's cache, at a time: years of a busy proxy would be gigabytes


def recost(series, book, since=None, relabels=True):
    """Relabel, then re-cost, the rollups of a queryset of Series from the local day `since` on (None: all of them).

    The caller's transaction makes it one. Where every label is right already, to look through all events is left out.
    """
    DrainState.lock()
    cuts = Cuts()
    for model_id in series.order_by().values_list("model_id", flat=True).distinct():
        of_model = series.filter(model_id=model_id)
        weeks = list(_weeks(of_model, since))
        if relabels:
            for days in weeks:
                relabel(of_model, book.steps(model_id), days, cuts)
        cost_anew(of_model, book, weeks, cuts)


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


def cost_anew(series, book, weeks, cuts):
    """Recompute cost and unpriced tokens of every rollup row of series in spans of local days [first, after)."""
    costs = Costs(book)
    costs.learn(series)
    for days in weeks:
        _recost(series, costs, days, cuts)


def _recost(series, costs, days, cuts):
    """Add to every rollup what the costs of some days change by; days reach further back than quarters."""
    in_series = {"series__in": series.values("id")}
    quarters = _changes(Quarter.objects.filter(**in_series).between(*_edges(days)), costs, day_of)
    of_days = _changes(Day.objects.filter(**in_series).between(*days), costs, int)
    cut_quarters = cuts.fold(quarters)
    correct(Quarter, quarters)
    correct(Day, of_days)
    correct(Month, fold_months(of_days))
    correct(CutQuarter, cut_quarters)
    correct(CutHour, fold_hours(cut_quarters))
    correct(CutDay, cuts.fold(of_days))


def _changes(rows, costs, to_day) -> Rows:
    """What to add to cost and unpriced tokens of those rows whose price is another one now."""
    days, changes = {}, {}
    for bucket, series_id, was, unpriced_was, *counted in rows.values_list("bucket", "series_id", *PRICED).iterator():
        if bucket not in days:
            days[bucket] = to_day(bucket)
        cost, unpriced = costs.of(series_id, days[bucket], *counted)
        if (cost, unpriced) != (was, unpriced_was):
            changes[bucket, series_id] = [cost - was, unpriced - unpriced_was]
    return changes


def _edges(days):
    """Where local days [first, after) begin and end, in seconds."""
    return [day_start(date_of(day), settings.TIME_ZONE) for day in days]


def relabel(series, steps, days, cuts):
    """Move the kept events of series to the labels they should have, with their totals.

    Those of local days [first, after). The labels are the context size under `steps` (None: as it is) and, of untold
    failures, the status. Costs stay where they were counted: who relabels costs anew next.
    """
    start, end = (edge * SECOND_US for edge in _edges(days))
    events = labelled(Event.objects.filter(series__in=series.values("id")).between(start, end), steps)
    events = events.filter(~Q(label=F("series__context_over")) | Q(series__failed=True, series__status=None))
    twins, moved = defaultdict(dict), {}
    for bucket, series_id, step, status, *measures in events.by_quarter().measured("bucket", "series_id", *LABELS):
        if (step, status) not in twins[series_id]:
            twins[series_id][step, status] = _twin(series_id, step, status)
        for owner, sign in ((series_id, -1), (twins[series_id][step, status], 1)):
            row = moved.setdefault((bucket, owner), [0] * len(MEASURES))
            moved[bucket, owner] = [a + sign * b for a, b in zip(row, (*measures, 0, 0), strict=True)]
    ids = list(twins)
    for at in range(0, len(ids), SERIES_AT_ONCE):
        some = ids[at : at + SERIES_AT_ONCE]
        events.order_by().filter(series__in=some).update(series_id=_twin_of({id: twins[id] for id in some}, steps))
    if moved:
        _move(moved, cuts)


def _twin_of(twins, steps):
    """An expression: the twin of an event's series. Lists in a list, for one of all would be slow to search."""

    def labels(step, status):
        return {"status": status} | ({} if steps is None else {"label": step})

    return _case(
        When(series=id, then=_case(When(**labels(*key), then=twin) for key, twin in found.items()))
        for id, found in twins.items()
    )


def _case(whens, default=None):
    return Case(*whens, default=Value(default), output_field=IntegerField())


def _move(quarters, cuts):
    """Add to every rollup what moves; of cuts only those by status change."""
    days = fold_days(quarters, Uncosted)
    upsert_all(quarters, days, {key: row for key, row in cuts.fold(quarters).items() if any(row)})


class Uncosted:
    """In the place of Costs, where rows keep the costs they have."""

    @staticmethod
    def fill(series_id, day, row):
        """Nothing."""


def labelled(events, steps):
    """Adds `label`: the largest of `steps` that an event's input is larger than, or 0; the one it has for None.

    And `status`: that of its failure, or 0.
    """
    events = events.annotate(status=_case([When(IS_STATUS, then=F("fail_status_code"))], 0))
    if steps is None:
        return events.annotate(label=F("series__context_over"))
    over = (When(input__gt=step, then=Value(step)) for step in sorted(steps, reverse=True))
    return events.annotate(input=INPUT, label=_case(over, 0))


def _twin(series_id, step, status):
    """The id of the series that differs only in its context label and, of a failure, its status."""
    series = Series.objects.select_related("model", "api_key").get(pk=series_id)
    fields = {name: getattr(series, name) for name in Labels._fields}
    fields |= {"context_over": step, "status": status_of(series.failed, status)}
    labels = Labels(**{**fields, "model": series.model.name, "api_key": series.api_key.fingerprint})
    fields.update(instance=series.instance)
    return Series.objects.get_or_create(digest=labels.digest(), defaults=fields)[0].pk
