"""The largest few of a breakdown, as shares of the whole. Pure."""

from typing import NamedTuple

from usage.analytics.breakdowns import Breakdown
from usage.analytics.timelines import Timeline

SHOWN = 8
FIELDS = {"cost": "cost", "tokens": "total_tokens", "requests": "total"}
REST = 7  # the colour of others
PLAIN = 1  # of a list that the chart says nothing about


class Top(NamedTuple):
    """One line: `share` of all, `width` of its bar in per cent of the largest, `colour` as in the chart."""

    key: str | None  # None: all others
    label: str
    value: float
    share: float
    width: float
    colour: int


class TopList(NamedTuple):
    """The lines, and how many values there are in all."""

    rows: list[Top]
    others: int
    count: int


def top(breakdown: Breakdown, measure: str, chart: Timeline | None = None) -> TopList:
    """By the measure, the largest first; lines that the chart shows wear its colours."""
    field = FIELDS[measure]
    values = [(row.key, row.label, getattr(row.figures, field)) for row in breakdown.rows]
    ranked = sorted((value for value in values if value[2]), key=lambda value: (-value[2], value[1]))
    whole, most = sum(value for *_, value in ranked), ranked[0][2] if ranked else 1
    colours, plain = ({}, PLAIN) if chart is None or chart.by != breakdown.by else (_colours(chart), REST)
    named, rest = (ranked, []) if len(ranked) <= SHOWN + 1 else (ranked[:SHOWN], ranked[SHOWN:])
    if rest:
        named.append((None, "", sum(value for *_, value in rest)))
    lines = [
        Top(key, label, value, value / whole, min(100, value / most * 100), colours.get(key, plain if key else REST))
        for key, label, value in named
    ]
    return TopList(lines, len(rest), len(ranked))


def _colours(chart):
    return {layer.key: place if layer.key is not None else REST for place, layer in enumerate(chart.layers, 1)}
