"""A measure over time: stacked by a label or by token class, or lines of a rate or of durations.

Stacked by a label, the largest few values have a layer each, the rest one together.
"""

from itertools import pairwise
from typing import Annotated, NamedTuple

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from msgspec import UNSET, Meta, Struct, UnsetType

from pricing.tokenclasses import CLASSES
from usage.analytics.answers import PICO, Instant
from usage.analytics.comparisons import NONE, earlier, end_of, is_counted, known_from, way_back
from usage.analytics.latency import latency_counts, percentiles
from usage.analytics.overview import covered_seconds
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.largest import largest
from usage.query.names import names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.query.sums import add_up
from usage.time.clock import now_us
from usage.time.periods import Period, date_of, day_start, local_date, local_day, rfc3339_local_day, rfc3339_utc
from usage.time.units import DAY_S, HOUR_S, QUARTER_S, SECOND_US

STACKED = {"cost": "cost", "tokens": "total", "requests": "requests"}
TOKEN_CLASSES, FAILURE_RATE, LATENCY = "token_classes", "failure_rate", "latency"
MEASURE_TITLES = dict(zip(STACKED, (_("Cost"), _("Tokens"), _("Requests")), strict=True)) | {
    TOKEN_CLASSES: _("Token classes"),
    FAILURE_RATE: _("Failure rate"),
    LATENCY: _("Latency"),
}
NAMED = 6  # as many as there are colours to tell apart
WEEK_S = 7 * DAY_S
# A period up to the first length is shown in buckets of the second, in seconds.
STEPS = (
    (6 * HOUR_S, QUARTER_S),
    (2 * DAY_S + HOUR_S, HOUR_S),
    (8 * DAY_S, 4 * HOUR_S),
    (100 * DAY_S, DAY_S),
)


# Measures of a bucket, and what their sums make.
WHOLE = {name: ((column,), lambda sums: sums[0]) for name, column in STACKED.items()} | {
    "cost": (("cost",), lambda sums: sums[0] / PICO),
    TOKEN_CLASSES: (CLASSES, sum),
    FAILURE_RATE: (("failed", "requests"), lambda sums: sums[0] / sums[1] if sums[1] else None),
}
Value = float | None


class Layer(Struct, frozen=True):
    """One value of the label over time, or one token class, rate or percentile."""

    key: Annotated[str | None, Meta(description="The value a filter takes; null for all others together.")]
    label: str
    total: Annotated[Value, Meta(description="Of the whole period; null where nothing was measured.")]
    values: Annotated[list[Value], Meta(description="One a bucket.")]


class Earlier(Struct, frozen=True, kw_only=True):
    """The whole measure in the period compared with."""

    start: Instant
    end: Annotated[str, Meta(description="Where as much has passed of it as of the period itself.")]
    total: Annotated[Value, Meta(description="From start to end; null unless all of it is counted.")]
    values: Annotated[
        list[Value],
        Meta(description="One a bucket, also after `end`; null before the first record and behind the earlier period."),
    ]


class Timeline(Struct, frozen=True, kw_only=True):
    """Buckets of equal length, and layers; those of amounts add up to the whole."""

    measure: str
    by: Annotated[str, Meta(description="The label; of amounts only.")]
    step: Annotated[int, Meta(description="Seconds; days and weeks are local ones.")]
    buckets: Annotated[list[str], Meta(description="Starts; local with offset from a day on, else UTC.")]
    end: Annotated[str, Meta(description="End of the last bucket.")]
    layers: list[Layer]
    others: Annotated[int, Meta(description="How many values the last layer stands for; 0 when all are named.")]
    earlier: Annotated[Earlier | UnsetType, Meta(description="Absent unless `compare` asks for it.")] = UNSET


@snapshot()
def timeline(filters: UsageFilter, by: str, measure: str, compare: str = NONE) -> Timeline:
    """An amount by the largest values of a label, or by token class; else the failure rate, or p50 and p95 of latency.

    Quarter hours, hours, days or weeks as the period is long. Percentiles come from histograms: see usage/latency.
    """
    reader, covered = Reader.of(filters), covered_seconds(filters.period)
    if covered is None:
        return Timeline(measure=measure, by=by, step=DAY_S, buckets=[], end="", layers=[], others=0)
    step = _step(covered, HOUR_S if measure == LATENCY else QUARTER_S, reader.events_from)
    grid = _Grid(reader, _starts(*covered, step), step)
    layers, others = _layers_of(grid, by, measure)
    *buckets, end = map(rfc3339_utc if step < DAY_S else _local, grid.starts)
    found = _earlier(grid, measure, compare)
    by = by if measure in STACKED else ""
    return Timeline(
        measure=measure, by=by, step=step, buckets=buckets, end=end, layers=layers, others=others, earlier=found
    )


class _Grid(NamedTuple):
    """Where figures go: `starts` are those of the buckets and the end of the last, in seconds."""

    reader: Reader
    starts: list[int]
    step: int

    def rows(self, columns, names, among=()):
        """Rows of the reader's period, each with the number of its bucket."""
        first_day = local_day(self.starts[0], settings.TIME_ZONE)
        for row in self.reader.rows(self._plan(), columns, names, among):
            if self.step < DAY_S:
                place = (row.bucket - self.starts[0]) // self.step
            else:
                place = (row.day - first_day) // (self.step // DAY_S)
            if 0 <= place < len(self.starts) - 1:
                yield place, row

    def _plan(self):
        """What is read: days from a day on, else quarter hours."""
        if self.step >= DAY_S:
            return self.reader.plan()
        period = self.reader.filters.period
        return self.reader.plan_of_detail(max(self.starts[0] * SECOND_US, period.start or 0), period.end)

    def sums(self, names) -> list[list[int]]:
        """Measures of each bucket."""
        found = add_up((place, row.measures) for place, row in self.rows((), names))
        return [found.get(place, [0] * len(names)) for place in range(len(self.starts) - 1)]


def _step(covered, finest, events_from):
    length = covered[1] - covered[0]
    step = max(finest, next((step for longest, step in STEPS if length <= longest), WEEK_S))
    # Of days before the kept detail nothing finer is known.
    return DAY_S if step < DAY_S and events_from and covered[0] * SECOND_US < events_from else step


def _starts(start, end, step):
    """The start of each bucket and the end of the last, in seconds."""
    zone = settings.TIME_ZONE
    if step < DAY_S:
        midnight = day_start(local_date(start, zone), zone)
        origin = start // step * step if step <= HOUR_S else midnight + (start - midnight) // step * step
        return list(range(origin, end + step, step))
    days, first = step // DAY_S, local_day(start, zone)
    last = local_day(end - 1, zone)
    return [day_start(date_of(day), zone) for day in range(first, last + 1 + days, days)]


def _layers_of(grid, by, measure):
    """The layers, and how many values the last one stands for."""
    if measure in STACKED:
        values, unnamed = _of_label(grid, LABELS[by].column, STACKED[measure])
        return _layers(values, LABELS[by], PICO if measure == "cost" else 1, unnamed)
    if measure != TOKEN_CLASSES:
        return [line for line in _lines(grid, measure) if line.total is not None], 0
    columns = zip(CLASSES, zip(*grid.sums(CLASSES), strict=True), strict=True)
    return [Layer(name, "", sum(column), list(column)) for name, column in columns if any(column)], 0


def _lines(grid, measure) -> list[Layer]:
    """The measure as a whole; of latency (ms) the median and the 95th percentile."""
    if measure == LATENCY:
        found = list(map(percentiles, latency_counts(grid.reader.filters, grid.starts)))
        lines = [(name, [getattr(each, name) for each in found]) for name in ("p50", "p95")]
        return [Layer(name, "", values[-1], values[:-1]) for name, values in lines]
    columns, value = WHOLE[measure]
    sums = grid.sums(columns)
    return [Layer(measure, "", value([sum(column) for column in zip(*sums, strict=True)]), list(map(value, sums)))]


def _earlier(grid, measure, compare) -> Earlier | UnsetType:
    """The measure as a whole in an earlier period; UNSET where there is none, or nothing was recorded then."""
    period, zone, now = grid.reader.filters.period, settings.TIME_ZONE, now_us()
    before = earlier(period, now, zone, compare)
    since = before and known_from(grid.reader, is_fine=grid.step < DAY_S)
    if since is None:
        return UNSET
    end = end_of(period, now)
    back = way_back(period.start, end, zone, compare)
    starts = [back(start * SECOND_US) // SECOND_US for start in grid.starts]
    if grid.step >= DAY_S:
        starts = [day_start(local_date(start, zone), zone) for start in starts]
    edges = pairwise(start * SECOND_US for start in starts)
    known = [until > since and start < period.start for start, until in edges]
    if not any(known):
        return UNSET
    full = Period(before.start, max(before.end, min(back(end), period.start)))
    if starts[-1] * SECOND_US < full.end:  # the month before is longer
        starts.append(full.end // SECOND_US)
    of_full, so_far = (
        _lines(_Grid(grid.reader.within(each), starts, grid.step), measure)[0] for each in (full, before)
    )
    return Earlier(
        start=rfc3339_utc(before.start // SECOND_US),
        end=rfc3339_utc(before.end // SECOND_US),
        total=so_far.total if before.start >= since and is_counted(before, grid.reader) else None,
        values=[value if is_known else None for value, is_known in zip(of_full.values, known, strict=False)],
    )


def _of_label(grid, column, measure):
    """The measure in each bucket by stored value, and how many values stand together under None."""
    if not grid.reader.is_flooded(column):
        return _values(grid, column, measure), 0
    found = largest(grid.reader, (column,), measure, NAMED + 1, (measure,))
    values = _values(grid, column, measure, [[value for (value,) in found.rows]]) if found.rows else {}
    if found.left_out:
        whole = grid.sums((measure,))
        values[None] = [total - sum(named) for (total,), *named in zip(whole, *values.values(), strict=True)]
    return values, found.left_out if None in values else 0


def _values(grid, column, measure, among=()) -> dict[str, list[int]]:
    """The measure in each bucket of the timeline by stored value, of some values of a column or of all."""
    values = {}
    for place, row in grid.rows((column,), (measure,), among):
        values.setdefault(row.group[0], [0] * (len(grid.starts) - 1))[place] += row.measures[0]
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
