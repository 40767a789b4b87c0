"""A period cut by one label or another: who and what used how much."""

from typing import Annotated

from msgspec import Meta, Struct

from usage.analytics.answers import Figures
from usage.analytics.comparisons import Glance, glance
from usage.query.dimensions import DIMENSIONS, labels_of
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.query.sums import add_up


class Part(Struct, frozen=True, kw_only=True):
    """What one value of a label used."""

    key: Annotated[str, Meta(description="The value a filter takes.")]
    label: Annotated[str, Meta(description="How to show it.")]
    figures: Glance


class Breakdown(Struct, frozen=True, kw_only=True):
    """A period by the values of one label."""

    by: str
    parts: list[Part]


@snapshot()
def breakdowns(asked: UsageFilter, *names: str) -> dict[str, Breakdown]:
    """By each of these names of DIMENSIONS, most tokens first, then by label; the totals are read once for all."""
    reader, labels = Reader.of(asked), labels_of(asked)
    return {name: _breakdown(DIMENSIONS[name], reader, labels) for name in names}


@snapshot()
def matrix(asked: UsageFilter, rows: str, columns: str) -> dict[tuple[str, str], Figures]:
    """The period by two labels at once: (key of the row, key of the column) -> measures."""
    per_series, labels = Reader.of(asked).per_series(), labels_of(asked)
    row, column = DIMENSIONS[rows].of, DIMENSIONS[columns].of
    pairs = add_up(((row(labels[id])[0], column(labels[id])[0]), measures) for id, measures in per_series.items())
    return {pair: glance(measures) for pair, measures in pairs.items()}


def _breakdown(dimension, reader, labels):
    sums = _by_value(dimension, reader, labels) if dimension.cut_of and reader.by_value else None
    if sums is None:
        sums = add_up((dimension.of(labels[id]), measures) for id, measures in reader.per_series().items())
    parts = [Part(key=key, label=label, figures=glance(measures)) for (key, label), measures in sums.items()]
    parts.sort(key=lambda part: (-part.figures.total_tokens, -part.figures.total, part.label))
    return Breakdown(by=dimension.name, parts=parts)


def _by_value(dimension, reader, labels):
    """The sums from totals that are kept ready for each value: a tenth of the rows."""
    names = {dimension.cut_of(label): dimension.of(label) for label in labels.values()}
    sums = reader.per_value(dimension.param, lambda series: dimension.cut_of(labels[series]))
    return {names[value]: measures for value, measures in sums.items() if any(measures)}
