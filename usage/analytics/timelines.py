"""A measure over time, stacked by a label: the largest few values by name, the rest together."""

from typing import Annotated

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from msgspec import Meta, Struct

from usage.analytics.answers import PICO
from usage.analytics.overview import covered_seconds
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.largest import largest
from usage.query.names import names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.periods import date_of, day_number, day_start, local_date, local_day, rfc3339_local_day, rfc3339_utc
from usage.time.units import DAY_S, HOUR_S, SECOND_US

STACKED = {"cost": "cost", "tokens": "total", "requests": "requests"}
MEASURE_TITLES = {"cost": _("Cost"), "tokens": _("Tokens"), "requests": _("Requests")}
NAMED = 6  # as many as there are colours to tell apart
WEEK_S = 7 * DAY_S
# A period up to the first length is shown in buckets of the second, in seconds.
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
def timeline(filters: UsageFilter, by: str, measure: str) -> Timeline:
    """The largest values of the label by name, the others together; hours, days or weeks as the period is long."""
    reader, covered = Reader.of(filters), covered_seconds(filters.period)
    if covered is None:
        return Timeline(measure=measure, by=by, step=DAY_S, buckets=[], end="", layers=[], others=0)
    step = _step(covered, reader.events_from)
    starts = _starts(*covered, step)
    plan = _plan(reader, covered, step)

    def read(columns, among=()):
        return _values(reader.rows(plan, columns, (STACKED[measure],), among), starts, step)

    values, unnamed = _of_label(reader, LABELS[by].column, STACKED[measure], read)
    layers, others = _layers(values, LABELS[by], PICO if measure == "cost" else 1, unnamed)
    *buckets, end = map(rfc3339_utc if step < DAY_S else _local, starts)
    return Timeline(measure=measure, by=by, step=step, buckets=buckets, end=end, layers=layers, others=others)


def _step(covered, events_from):
    length = covered[1] - covered[0]
    step = next((step for longest, step in STEPS if length <= longest), WEEK_S)
    # Of days before the kept detail nothing finer is known.
    return DAY_S if step < DAY_S and events_from and covered[0] * SECOND_US < events_from else step


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


def _plan(reader, covered, step):
    """What is read: days from a day on, else quarter hours."""
    if step >= DAY_S:
        return reader.plan()
    start = max(covered[0] * SECOND_US, reader.filters.period.start or 0)
    return reader.plan_of_detail(start, reader.filters.period.end)


def _of_label(reader, column, measure, read):
    """The measure in each bucket by stored value, and how many values stand together under None.

    `read` gives it by columns, of some values of these or of all.
    """
    if not reader.is_flooded(column):
        return read((column,)), 0
    found = largest(reader, (column,), measure, NAMED + 1, (measure,))
    values = read((column,), [[value for (value,) in found.rows]]) if found.rows else {}
    if found.left_out and (whole := read(()).get(None)):
        values[None] = [total - sum(named) for total, *named in zip(whole, *values.values(), strict=True)]
    return values, found.left_out if None in values else 0


def _values(rows, starts, step) -> dict[str, list[int]]:
    """The measure in each bucket of the timeline by stored value."""
    length, values = len(starts) - 1, {}
    first_day = local_day(starts[0], settings.TIME_ZONE)
    for row in rows:
        place = (row.bucket - starts[0]) // step if step < DAY_S else (row.day - first_day) // (step // DAY_S)
        if 0 <= place < length:
            values.setdefault(next(iter(row.group), None), [0] * length)[place] += row.measures[0]
    return {value: amounts for value, amounts in values.items() if any(amounts)}


def _layers(values, label, scale, unnamed):
    """Layers, and how many values the last one stands for; of these, `unnamed` ones are together already."""
    others = [(None, values.pop(None))] if unnamed else []
    names = names_of(label, set(values))
    ranked = sorted(values.items(), key=lambda item: (-sum(item[1]), names[item[0]]))
    whole = not unnamed and len(ranked) <= NAMED + 1
    named, rest = (ranked, []) if whole else (ranked[:NAMED], ranked[NAMED:])
    found = [_layer(*names[value], amounts, scale) for value, amounts in named]
    if others := rest + others:
        together = [sum(column) for column in zip(*(amounts for _, amounts in others), strict=True)]
        found.append(_layer(None, "", together, scale))
    return found, len(rest) + unnamed


def _layer(key, label, amounts, scale):
    divided = [amount / scale if scale > 1 else amount for amount in amounts]
    return Layer(key, label, sum(amounts) / scale if scale > 1 else sum(amounts), divided)


def _local(seconds):
    return rfc3339_local_day(local_day(seconds, settings.TIME_ZONE), settings.TIME_ZONE)
