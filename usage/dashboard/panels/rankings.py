"""The largest few of a breakdown, as shares of the whole. Pure."""

from typing import NamedTuple

from usage.analytics.breakdowns import Breakdown
from usage.analytics.coverage import WithoutCost
from usage.analytics.timelines import Timeline

SHOWN = 8
FIELDS = {"cost": "cost", "tokens": "total_tokens", "requests": "total", "failed": "failed"}
REST_COLOUR = 7
PLAIN_COLOUR = 1  # of a list by another label than the chart


class Rank(NamedTuple):
    """One line: `share` of all, `width` of its bar in per cent of the largest, `colour` as in the chart."""

    key: str | None  # None: all others
    label: str
    value: float
    share: float
    width: float
    colour: int


class Ranking(NamedTuple):
    """The lines, how many values the last one stands for, how many there are in all, and what a cost leaves out."""

    rows: list[Rank]
    others: int
    count: int
    unpriced: WithoutCost | None


def ranking(breakdown: Breakdown, measure: str, chart: Timeline, unpriced: WithoutCost | None = None) -> Ranking:
    """By a measure of FIELDS, the largest first; lines that the chart shows have its colours."""
    field = FIELDS[measure]
    values = [(row.key, row.label, getattr(row.figures, field)) for row in breakdown.rows]
    ranked = sorted((value for value in values if value[2]), key=lambda value: (-value[2], value[1]))
    named, rest = (ranked, []) if len(ranked) <= SHOWN + 1 else (ranked[:SHOWN], ranked[SHOWN:])
    left_out = getattr(breakdown.others, field) if breakdown.others else 0
    if rest or left_out:
        named.append((None, "", sum(value for *_, value in rest) + left_out))
    whole, most = sum(value for *_, value in ranked) + left_out, ranked[0][2] if ranked else 1
    colours = _colours(chart, breakdown)
    lines = [
        Rank(key, label, value, value / whole, min(100, value / most * 100), colours.get(key, REST_COLOUR))
        for key, label, value in named
    ]
    return Ranking(lines, len(rest) + breakdown.left_out, len(ranked) + breakdown.left_out, unpriced)


def _colours(chart, breakdown):
    """{key: colour of its layer}."""
    if chart.by != breakdown.by:
        return {row.key: PLAIN_COLOUR if row.key else REST_COLOUR for row in breakdown.rows}
    return {layer.key: colour for colour, layer in enumerate(chart.layers, 1) if layer.key is not None}
