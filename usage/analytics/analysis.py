"""The period by client key, by model, and by both."""

from usage.analytics.answers import Analysis, GroupFigures, GroupModelFigures, ModelFigures, figures, instant
from usage.models.labels import LABELS, group_of
from usage.query.filters import UsageFilter
from usage.query.names import names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.query.sums import add_up


@snapshot()
def analysis(filters: UsageFilter) -> Analysis:
    """The period by client key (else provider, else endpoint), by model, and by both; most requests first."""
    reader = Reader.of(filters)
    pairs = _by_group_and_model(reader)
    groups = add_up((key[:2], row) for key, row in pairs.items())
    models = add_up((key[2], row) for key, row in pairs.items())
    return Analysis(
        by_api=[
            GroupFigures(api_group_key=key, api_group_display=display, **figures(row))
            for (key, display), row in most_first(groups)
        ],
        by_model=[ModelFigures(model=model, **figures(row)) for model, row in most_first(models)],
        by_api_and_model=[
            GroupModelFigures(api_group_key=key, api_group_display=display, model=model, **figures(row))
            for (key, display, model), row in most_first(pairs)
        ],
        detail_from=instant(reader.events_from),
    )


def _by_group_and_model(reader):
    """{(key of the group, how to show it, model): measures}."""
    rows = reader.by("api_key__fingerprint", "provider", "endpoint", "model__name")
    names = names_of(LABELS["api_key"], {key for key, *_ in rows})
    return add_up(
        ((*group_of(key, names[key][1], provider, endpoint), model), row)
        for (key, provider, endpoint, model), row in rows.items()
    )


def most_first(sums: dict) -> list[tuple]:
    """Items by the number of attempts, then by key."""
    return sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
