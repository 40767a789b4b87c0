"""The period by client key, by model, and by both."""

from cpa_usage.http.lists import totals_of
from usage.analytics.answers import Analysis, GroupFigures, GroupModelFigures, ModelFigures, figures, instant
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.largest import MOST, largest, most_of
from usage.query.names import names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.query.source import GROUP
from usage.query.sums import add_up

MODEL = LABELS["model"].column


@snapshot()
def analysis(filters: UsageFilter, limit: int = MOST) -> Analysis:
    """The period by client key (else provider, else endpoint), by model, and by both; most requests first."""
    reader = Reader.of(filters)
    (groups, group_count), (models, model_count), (pairs, pair_count) = _found(reader, limit)
    names = names_of(LABELS["api_key"], {group for group, *_ in (*groups, *pairs)})
    by_api = [
        GroupFigures(api_group_key=group, api_group_display=names[group][1], **figures(row))
        for (group,), row in most_first(groups)
    ]
    by_model = [ModelFigures(model=model, **figures(row)) for (model,), row in most_first(models)]
    by_both = [
        GroupModelFigures(api_group_key=group, api_group_display=names[group][1], model=model, **figures(row))
        for (group, model), row in most_first(pairs)
    ]
    return Analysis(
        by_api=by_api,
        by_model=by_model,
        by_api_and_model=by_both,
        detail_from=instant(reader.events_from),
        totals=totals_of(
            by_api=(group_count, by_api), by_model=(model_count, by_model), by_api_and_model=(pair_count, by_both)
        ),
    )


def _found(reader, limit):
    """(measures by key, how many there are) by group, by model, and by both."""
    if reader.is_flooded(GROUP, MODEL):
        return [largest(reader, columns, "requests", limit)[::2] for columns in ((GROUP,), (MODEL,), (GROUP, MODEL))]
    pairs = reader.by(GROUP, MODEL)
    groups = add_up((key[:1], row) for key, row in pairs.items())
    models = add_up((key[1:], row) for key, row in pairs.items())
    return [({key: rows[key] for key in most_of(rows, limit)}, len(rows)) for rows in (groups, models, pairs)]


def most_first(sums: dict) -> list[tuple]:
    """Items with most attempts first, then by key."""
    return sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
