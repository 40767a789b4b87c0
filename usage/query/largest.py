"""The largest groups of a period, and the others as one, so that no answer grows with what the world sends.

Where there may be too many groups to read all of them (see Reader.is_flooded) the database picks the largest; what they
used, and what the others did, is exact all the same.
"""

from collections import Counter
from operator import sub
from typing import NamedTuple

from aliases.models import ApiKey
from usage.models import MEASURES, Series
from usage.models.querysets import KEY_MARK
from usage.query.plan import Table
from usage.query.reader import Reader, rows_of
from usage.query.snapshots import once
from usage.query.source import GROUP, of_series

MOST = 500  # groups of an answer, unless another number is asked for
SPARE = 100  # at least so many of each range are looked at: those that are large in all of them are among these


class Largest(NamedTuple):
    """Measures by group; those of all other groups together, and how many groups there are with these."""

    rows: dict[tuple, list[int]]
    others: list[int]
    count: int

    @property
    def left_out(self) -> int:
        """How many groups the others are."""
        return self.count - len(self.rows)


@once
def largest(
    reader: Reader, columns: tuple[str, ...], measure: str = "total", most: int = MOST, positive: tuple[str, ...] = ()
) -> Largest:
    """The groups by values of columns of Series that have most of a measure; only those with any of `positive`.

    Of a period of several ranges (see usage.query.plan) a flooded database looks at those that are large in one of
    them.
    """
    if reader.is_flooded(*columns):
        groups, count = picked(reader, columns, measure, most, positive)
        rows, _ = shortened(reader.of_groups(columns, groups), measure, most)
    else:
        rows, count = shortened(reader.by(*columns), measure, most, positive)
    others = [0] * len(MEASURES)
    if count > len(rows):
        shown = map(sum, zip(*rows.values(), strict=True)) if rows else others
        others = list(map(sub, reader.total(), shown))
    return Largest(rows, others, count)


def shortened(
    rows: dict[tuple, list[int]], measure: str, most: int, positive: tuple[str, ...] = ()
) -> tuple[dict, int]:
    """The largest of some groups, and how many of these there are."""
    place, needed = MEASURES.index(measure), [MEASURES.index(name) for name in positive]
    if positive:
        rows = {group: measures for group, measures in rows.items() if any(measures[each] for each in needed)}
    if len(rows) <= most:
        return rows, len(rows)
    return dict(sorted(rows.items(), key=lambda item: (-item[1][place], item[0]))[:most]), len(rows)


def picked(reader: Reader, columns: tuple[str, ...], measure: str, most: int, positive=()) -> tuple[list[tuple], int]:
    """The largest groups of a flooded database, and how many there are; of several ranges those of each of them."""
    found, sums = of_series(reader.filters, columns), Counter()
    for row in reader.rows(_ranges(reader, of_events=True), columns, (measure, *positive)):
        if not positive or any(row.measures[1:]):
            sums[row.group] += row.measures[0]
    partial, count, ids = list(sums), 0, tuple(map(_id_of, found.columns))
    tables = [rows_of(found, each).with_short_group().with_any(positive) for each in _ranges(reader)]
    for rows in tables:
        largest = list(rows.largest(measure, *ids)[: max(most, 1 if len(tables) == 1 else SPARE)])
        count = largest[0][-1] if largest else 0
        for *group, size, _ in _named(columns, largest):
            sums[tuple(group)] += size
    if len(tables) != 1:
        count = _number(tables, ids)
    groups = sorted(sums, key=lambda group: (-sums[group], group))
    is_exact = len(tables) + bool(partial) == 1
    return groups[: most if is_exact else None], count + _beyond(partial, tables, found.columns)


def _id_of(path):
    """The path to the id of the row that a value is of: shorter than the value, and no other table need be read."""
    return path.rpartition("__")[0] if path.count("__") > 1 else "group_id" if path == GROUP else path


def _named(columns, rows):
    """Rows that begin with values of columns of Series, and where these are of another table with ids of it."""
    named = list(map(list, rows))
    for place, column in enumerate(columns):
        if column == GROUP:
            ids = {row[place][1:] for row in named if row[place].startswith(KEY_MARK)}
            keys = ApiKey.objects.filter(id__in=ids).values_list("id", "fingerprint")
            values = {f"{KEY_MARK}{id}": key for id, key in keys}
            for row in named:
                row[place] = values.get(row[place], row[place])
        field, _, name = column.partition("__")
        if name:
            table = Series._meta.get_field(field).related_model.objects
            found = table.filter(id__among=sorted({row[place] for row in named}))
            values = dict(found.values_list("id", name))
            for row in named:
                row[place] = values[row[place]]
    return named


def _ranges(reader, of_events=False):
    return [each for each in reader.plan() if (each.table is Table.EVENT) == of_events]


def _number(tables, columns):
    """How many groups several ranges have."""
    distinct = [rows.order_by().values_list(*columns).distinct() for rows in tables]
    return distinct[0].union(*distinct[1:]).count() if distinct else 0


def _beyond(partial, tables, columns):
    """How many groups only partial buckets have."""
    if not partial:
        return 0
    among = zip(columns, zip(*partial, strict=True), strict=True)
    wanted = {f"{column}__among": sorted(set(values)) for column, values in among}
    known = (rows.filter(**wanted).order_by().values_list(*columns).distinct() for rows in tables)
    return len(set(partial).difference(*known))


@once
def without_known_cost(reader: Reader, column: str, most: int) -> tuple[int, int, list[str]]:
    """How many values of a column of Series have no known cost at all, their tokens, and those with most requests.

    For a flooded database, whose partial buckets are left out.
    """
    found = of_series(reader.filters, (column,))
    tables, path = [rows_of(found, each) for each in _ranges(reader)], _id_of(*found.columns)
    lacking = [rows.with_any(("unpriced_requests", "unpriced_tokens")) for rows in tables]
    for known in [rows.with_known_cost().values(path) for rows in tables]:
        lacking = [rows.exclude(**{f"{path}__in": known}) for rows in lacking]
    ids, tokens, count = Counter(), 0, 0
    for rows in lacking:
        largest = list(rows.largest("requests", path).with_whole("total")[:most])
        ids.update({id: requests for id, requests, *_ in largest})
        *_, count, part = largest[0] if largest else (0, 0)
        tokens += part
    names = [name for name, _ in _named((column,), ids.most_common(most))]
    return count if len(tables) == 1 else _number(lacking, (path,)), int(tokens), names
