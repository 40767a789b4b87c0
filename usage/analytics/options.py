"""What occurs in a period and can be filtered by."""

import msgspec

from cpa_usage.http.lists import Listing
from usage.analytics.answers import instant
from usage.models.labels import NO_KEY, OWNER
from usage.query.filters import UsageFilter
from usage.query.largest import MOST, largest
from usage.query.names import grouping_labels, names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot


def _option(label):
    """The shape of a choice that is shown otherwise than a filter takes it."""
    name = "".join(map(str.capitalize, label.name.removeprefix("api_").split("_")))
    return msgspec.defstruct(f"{name}Option", [(label.name, str), ("label", str)], frozen=True)


LISTED = {name: label for name, label in grouping_labels().items() if name != OWNER}  # owners are what people said
OPTIONS = {name: _option(label) for name, label in LISTED.items() if label.shown}
FilterOptions = msgspec.defstruct(
    "FilterOptions",
    [
        *((f"{name}s", list[str]) for name in LISTED if name != "api_key"),
        *((f"{name}_options", list[option]) for name, option in OPTIONS.items()),
        ("detail_from", str | None),
    ],
    bases=(Listing,),
    namespace={"__doc__": "What occurs in the period and can be filtered by."},
    frozen=True,
    kw_only=True,
)


@snapshot()
def filter_options(filters: UsageFilter, limit: int = MOST) -> FilterOptions:
    """Models, sources, client keys, providers and endpoints that occur in the period; of too many the most used."""
    reader, found, totals = Reader.of(filters), {}, {}
    columns = [label.column for label in LISTED.values()]
    occurring = reader.values(*(column for column in columns if not reader.is_flooded(column)))
    for name, label in LISTED.items():
        values, count = _values(reader, label.column, occurring, limit)
        if name != "api_key":
            found[f"{name}s"] = sorted(values - {""})
        if name in OPTIONS:
            found[f"{name}_options"] = _options(label, values)
        if count > len(values):
            totals |= dict.fromkeys({f"{name}s", f"{name}_options"} & found.keys(), count)
    return FilterOptions(**found, detail_from=instant(reader.events_from), totals=totals)


def _values(reader, column, occurring, limit):
    """The values of a column of Series, and how many there are."""
    if column in occurring and len(values := occurring[column]) <= limit:
        return values, len(values)
    found = largest(reader, (column,), "requests", limit)
    return {value for (value,) in found.rows}, found.count


def _options(label, values):
    names = names_of(label, values).values()
    chosen = [pair for pair in names if pair[0] == NO_KEY or pair[0] in values - {""}]
    return [OPTIONS[label.name](*pair) for pair in sorted(chosen, key=lambda pair: (pair[1], pair[0]))]
