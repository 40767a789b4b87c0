"""Re-costing of history: what SeriesQuerySet.recost does, in its steps."""

from operator import sub

from django.conf import settings
from django.db.models import Case, F, IntegerField, Value, When

from usage.cuts import Cuts
from usage.ingest import fold_days, fold_hours, fold_months, upsert
from usage.labels import Labels
from usage.models import MEASURES, CutDay, CutHour, CutQuarter, Day, DrainState, Event, Month, Quarter, Series
from usage.periods import date_of, day_start

INPUT = F("uncached") + F("cache_read") + F("cache_write")


def recost(series, book, since=None, told_apart=()):
    """Relabel, then re-cost, the rollups of a queryset of Series from the local day `since` on (None: all of them).

    The caller's transaction makes it one. `told_apart`: context steps that all labels tell apart already. A label finer
    than the price needs finds the right card, so the events are only looked through for a step that is not among them.
    """
    DrainState.lock()
    for model_id in series.order_by().values_list("model_id", flat=True).distinct():
        if not set(book.steps(model_id)) <= set(told_apart):
            relabel(series.filter(model_id=model_id), book.steps(model_id), since)
        _recost_model(series.filter(model_id=model_id), model_id, book, since)


def _recost_model(series, model_id, book, since):
    before = [costs_since(rollup, series, since) for rollup in (Quarter, Day)]
    _update_model(series, model_id, book, since)
    changes = [
        _changes(was, costs_since(rollup, series, since)) for rollup, was in zip((Quarter, Day), before, strict=True)
    ]
    _add_to_sums(*changes, Cuts())


def _add_to_sums(quarters, days, cuts):
    """Add what quarters and days gained to the rollups that are sums of them; days reach further back than quarters."""
    upsert(Month, fold_months(days))
    cut_quarters = cuts.fold(quarters)
    upsert(CutQuarter, cut_quarters)
    upsert(CutHour, fold_hours(cut_quarters))
    upsert(CutDay, cuts.fold(days))


def costs_since(rollup, series, since):
    """(cost, unpriced tokens) of the series' rows by (bucket, series), from a local day on."""
    start = since if since is None or rollup is Day else day_start(date_of(since), settings.TIME_ZONE)
    rows = rollup.objects.filter(series__in=series.values("id")).between(start, None)
    return {row[:2]: row[2:] for row in rows.values_list("bucket", "series_id", "cost", "unpriced_tokens")}


def _changes(before, after):
    """Measures to add to the sums of these rows, where cost or unpriced tokens are not what they were."""
    rest = [0] * (len(MEASURES) - 2)
    return {key: [*rest, *map(sub, row, before[key])] for key, row in after.items() if row != before[key]}


def _update_model(series, model_id, book, since):
    spans = list(_since(book.spans(model_id), since))
    for tier, context_over in set(series.values_list("tier", "context_over")):
        same = series.filter(tier=tier, context_over=context_over).values("id")
        for first, last in spans:
            rates = book.rates(model_id, first if first is not None else _day_before(last), tier, context_over)
            for rows in _rollups(same, first, last):
                rows.update(**_priced(rates))


def _since(spans, since):
    """The parts of spans (first day, last day) that lie on or after a day."""
    for first, last in spans:
        if since is None:
            yield first, last
        elif last is None or last >= since:
            yield since if first is None else max(first, since), last


def _day_before(last):
    """Any day of a span without a beginning; the span without either end is any day at all."""
    return last if last is not None else 0


def _rollups(series, first, last):
    """Day and quarter rows of the local days [first, last], either of which may be open."""
    after = None if last is None else last + 1
    zone = settings.TIME_ZONE
    yield Day.objects.filter(series__in=series).between(first, after)
    edges = (None if day is None else day_start(date_of(day), zone) for day in (first, after))
    yield Quarter.objects.filter(series__in=series).between(*edges)


def _priced(rates):
    """The columns of an update() that prices a rollup row; without rates its tokens are unpriced."""
    if rates is None:
        return {"cost": 0, "unpriced_tokens": F("total")}
    input_cost = F("uncached") * rates.prompt + F("unclassified") * rates.prompt
    cache_cost = F("cache_read") * rates.cache_read + F("cache_write") * rates.cache_write
    output_cost = F("output") * rates.completion + F("reasoning") * rates.reasoning
    return {"cost": input_cost + cache_cost + output_cost, "unpriced_tokens": 0}


def relabel(series, steps, since=None):
    """Move the kept events of one model's series to the context label they have under `steps`, with their totals.

    Costs stay where they were counted: who relabels re-costs next. No cut knows labels, so none changes.
    """
    start = None if since is None else day_start(date_of(since), settings.TIME_ZONE) * 1_000_000
    events = labelled(Event.objects.filter(series__in=series.values("id")).between(start, None), steps)
    wrong = set(events.exclude(label=F("series__context_over")).order_by().values_list("series_id", "label").distinct())
    moved = {}
    for series_id, step in sorted(wrong):
        target = _twin(Series.objects.select_related("model", "api_key").get(pk=series_id), step)
        _move(events.filter(series_id=series_id, label=step), series_id, target, moved)
    days = fold_days(moved, Uncosted)
    for rollup, rows in ((Quarter, moved), (Day, days), (Month, fold_months(days))):
        upsert(rollup, rows)


def _move(events, source, target, moved):
    """Point events to another series, and note what their quarters gain and lose by it."""
    for bucket, *measures in events.by_quarter().measured("bucket"):
        for series_id, sign in ((source, -1), (target, 1)):
            row = moved.setdefault((bucket, series_id), [0] * len(MEASURES))
            moved[bucket, series_id] = [a + sign * b for a, b in zip(row, (*measures, 0, 0), strict=True)]
    events.order_by().update(series_id=target)


class Uncosted:
    """In the place of Costs, where rows keep the costs they have."""

    @staticmethod
    def fill(series_id, day, row):
        """Nothing."""


def labelled(events, steps):
    """Adds `label`: the largest of `steps` that an event's input is larger than, or 0."""
    over = (When(input__gt=step, then=Value(step)) for step in sorted(steps, reverse=True))
    return events.annotate(input=INPUT, label=Case(*over, default=Value(0), output_field=IntegerField()))


def _twin(series, step):
    """The id of the series that differs only in its context label."""
    fields = {name: getattr(series, name) for name in Labels._fields}
    labels = Labels(
        **{**fields, "model": series.model.name, "api_key": series.api_key.fingerprint, "context_over": step}
    )
    fields.update(context_over=step, instance=series.instance)
    return Series.objects.get_or_create(digest=labels.digest(), defaults=fields)[0].pk
