"""A measure over time, stacked by a label: the largest few by name, the rest together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from django.conf import settings
from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _
from msgspec import Meta, Struct

from usage.analytics.answers import PICO
from usage.analytics.questions import covered
from usage.models import MEASURES, Day, Quarter
from usage.query.dimensions import DIMENSIONS, labels_of
from usage.query.filters import UsageFilter
from usage.query.reader import CUT_ROLLUPS, Reader
from usage.query.snapshots import snapshot
from usage.time.periods import date_of, day_number, day_start, local_date, local_day, rfc3339_local_day, rfc3339_utc
from usage.time.units import DAY_S, HOUR_S, SECOND_US

STACKED = {"cost": "cost", "tokens": "total", "requests": "requests"}
MEASURE_TITLES = {"cost": _("Cost"), "tokens": _("Tokens"), "requests": _("Requests")}
NAMED = 6  # as many as there are colours to tell apart
WEEK_S = 7 * DAY_S
# A span up to the first is cut into steps of the second, in seconds.
STEPS = ((2 * DAY_S + HOUR_S, HOUR_S), (8 * DAY_S, 4 * HOUR_S), (100 * DAY_S, DAY_S))


class Layer(Struct, frozen=True):
    """One value of the label over time."""

    key: Annotated[str | None, Meta(description="The value a filter takes; null for all others together.")]
    label: str
    total: float
    values: Annotated[list[float], Meta(description="One a bucket.")]


class Timeline(Struct, frozen=True, kw_only=True):
    """Buckets of equal length, and layers that add up to the whole."""

    measure: str
    by: str
    step: Annotated[int, Meta(description="Seconds; days and weeks are local ones.")]
    buckets: Annotated[list[str], Meta(description="Starts; local with offset from a day on, else UTC.")]
    end: Annotated[str, Meta(description="End of the last bucket.")]
    layers: list[Layer]
    others: Annotated[int, Meta(description="How many values the last layer stands for; 0 when all are named.")]


@snapshot()
def timeline(asked: UsageFilter, by: str, measure: str) -> Timeline:
    """The measure (of STACKED) of the period by a name of DIMENSIONS; nothing happened: no buckets."""
    reader, span = Reader.of(asked), covered(asked.period)
    if span is None:
        return Timeline(measure=measure, by=by, step=DAY_S, buckets=[], end="", layers=[], others=0)
    step = _step(span, reader.events_from)
    starts = _starts(*span, step)
    source = _source(reader, by, STACKED[measure])
    count = _by_quarters if step < DAY_S else _by_days
    scale = PICO if measure == "cost" else 1
    layers, others = _layers(count(reader, source, span, starts, step), scale, len(starts) - 1)
    name = rfc3339_utc if step < DAY_S else _local
    *buckets, end = map(name, starts)
    return Timeline(measure=measure, by=by, step=step, buckets=buckets, end=end, layers=layers, others=others)


@dataclass(frozen=True)
class _Source:
    """Where a measure is read: rows of a rollup, the column that says whose they are, and what those are called."""

    measure: str
    rows: Callable
    owner: str
    names: dict  # owner -> (key, label)
    of_series: dict  # series id -> (key, label)

    def of_events(self, slivers):
        """((key, label), quarter, measure) of what was counted from events."""
        for bucket, series, measures in slivers:
            yield self.of_series[series], bucket, measures[MEASURES.index(self.measure)]

    def summed(self, rollup, span, place):
        """((key, label), place, measure) of the rows of a span."""
        rows = self.rows(rollup).between(*span).annotate(place=place).values_list("place", self.owner)
        for at, owner, value in rows.annotate(value=Sum(self.measure)).order_by():
            yield self.names[owner], at, value


def _source(reader, by, measure):
    """Totals of cuts where they can tell, of which there are far fewer, else those of series."""
    dimension, labels = DIMENSIONS[by], labels_of(reader.asked)
    of_series = {series: dimension.of(label) for series, label in labels.items()}
    if dimension.cut_of is None or not reader.asked.admits_all:
        return _Source(measure, lambda rollup: rollup.objects.matching(reader.asked), "series_id", of_series, of_series)
    names = {dimension.cut_of(label): of_series[series] for series, label in labels.items()}
    chosen = {"cut__label": dimension.param, "cut__failed": False}
    return _Source(measure, lambda rollup: CUT_ROLLUPS[rollup].objects.filter(**chosen), "cut__value", names, of_series)


def _step(span, events_from):
    length = span[1] - span[0]
    step = next((step for longest, step in STEPS if length <= longest), WEEK_S)
    # Of days before the kept detail nothing finer is known.
    return DAY_S if step < DAY_S and events_from and span[0] * SECOND_US < events_from else step


def _starts(start, end, step):
    """The start of each bucket and the end of the last, in seconds."""
    zone = settings.TIME_ZONE
    if step < DAY_S:
        midnight = day_start(local_date(start, zone), zone)
        origin = start // HOUR_S * HOUR_S if step == HOUR_S else midnight + (start - midnight) // step * step
        return list(range(origin, end + step, step))
    days, number = step // DAY_S, day_number(local_date(start, zone))
    last = local_day(end - 1, zone)
    return [day_start(date_of(day), zone) for day in range(number, last + 1 + days, days)]


def _by_quarters(reader, source, span, starts, step):
    """((key, label), place, measure) of the period, from quarters and the slivers at its edges."""
    parts = reader.parts_within(max(span[0] * SECOND_US, reader.asked.period.start or 0), reader.asked.period.end)
    for quarters in parts.quarters:
        yield from source.summed(Quarter, quarters, (F("bucket") - starts[0]) / step)
    for name, bucket, value in source.of_events(reader.slivers(parts.slivers)):
        yield name, (bucket - starts[0]) // step, value


def _by_days(reader, source, span, starts, step):
    """The same from days; hours that a period has beside whole days count on theirs."""
    zone, days = settings.TIME_ZONE, step // DAY_S
    first, parts = local_day(starts[0], zone), reader.parts()
    for part in parts.days:
        yield from source.summed(Day, part, (F("bucket") - first) / days)
    for part in parts.quarters:
        for name, bucket, value in source.summed(Quarter, part, F("bucket")):
            yield name, (local_day(bucket, zone) - first) // days, value
    for name, bucket, value in source.of_events(reader.daily_slivers(parts.slivers)):
        yield name, (local_day(bucket, zone) - first) // days, value


def _layers(counted, scale, length):
    layers: dict[tuple, list[int]] = {}
    for name, place, value in counted:
        if 0 <= place < length:
            values = layers.get(name)
            if values is None:
                values = layers[name] = [0] * length
            values[place] += int(value)
    ranked = sorted(layers.items(), key=lambda item: (-sum(item[1]), item[0]))
    ranked = [item for item in ranked if any(item[1])]
    named, rest = (ranked, []) if len(ranked) <= NAMED + 1 else (ranked[:NAMED], ranked[NAMED:])
    found = [_layer(key, label, values, scale) for (key, label), values in named]
    if rest:
        found.append(_layer(None, "", [sum(column) for column in zip(*(v for _, v in rest), strict=True)], scale))
    return found, len(rest)


def _layer(key, label, values, scale):
    divided = [value / scale if scale > 1 else value for value in values]
    return Layer(key, label, sum(values) / scale if scale > 1 else sum(values), divided)


def _local(seconds):
    return rfc3339_local_day(local_day(seconds, settings.TIME_ZONE), settings.TIME_ZONE)
