"""The source of a filter: the kept totals of label values where these know all that is asked, else those of series.

Of all but some values of a label the totals are those of everything minus those of these values.
"""

from dataclasses import dataclass
from typing import Self

from usage.models import Day, LabelDay, LabelQuarter, Quarter
from usage.models.labels import LABELS, NOT, OWNER, filtering
from usage.models.querysets import RollupQuerySet
from usage.query.filters import UsageFilter
from usage.query.plan import Table

GROUP = "group"  # besides columns of Series: whose usage it is, by the name of usage.models.labels.group_of
KEY, OWNER_OF = LABELS["api_key"].column, LABELS[OWNER].column
OF_SERIES = {Table.QUARTER: Quarter, Table.DAY: Day}
OF_LABELS = {Table.QUARTER: LabelQuarter, Table.DAY: LabelDay}


@dataclass(frozen=True)
class Source:
    """Rows of rollups to add up; `columns` lead from them to the values they are grouped by."""

    filters: UsageFilter
    columns: tuple[str, ...] = ()
    label: str | None = None  # of kept totals; None for series
    values: tuple[str, ...] | None = None  # of the label; None for all
    others: tuple[str, ...] = ()  # of the label, left out
    minus: Self | None = None  # whose rows are taken off

    def rows(self, table: Table) -> RollupQuerySet:
        """The rows of days or of quarter hours."""
        if self.label is not None:
            return OF_LABELS[table].objects.of_label(self.label, self.values, self.others)
        return OF_SERIES[table].objects.matching(self.filters)


def source(filters: UsageFilter, by: tuple[str, ...] = ()) -> Source:
    """Where the totals of a filter are read, grouped by columns of Series; for owners by the keys that have them."""
    by = keyed(by)
    label, wanted, others = _of_one_label(filters)
    if len(by) == 1 and (name := _kept(by[0])) and (not filters.labels or label == name):
        return Source(filters, ("label_value__value",), name, wanted, others)
    if by or (filters.labels and not label):
        return Source(filters, tuple(column if column == GROUP else f"series__{column}" for column in by))
    if wanted is None:
        minus = Source(filters, label=label, values=others) if others else None
        return Source(filters, label="", values=("",), minus=minus)
    return Source(filters, label=label, values=wanted)


def _of_one_label(filters) -> tuple[str, tuple[str, ...] | None, tuple[str, ...]]:
    """The kept label that alone is filtered by, its values as texts that are wanted (None: all) and that are not."""
    if len(filters.labels) != 1 or not (label := filtering()[filters.labels[0][0]]).kept:
        return "", None, ()
    name, values = filters.labels[0]
    texts = tuple(map(label.text, values))
    return (label.name, None, texts) if name.startswith(NOT) else (label.name, texts, ())


def keyed(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of Series with client keys in the place of their owners, each once."""
    return tuple(dict.fromkeys(KEY if column == OWNER_OF else column for column in columns))


def _kept(column):
    """The name of the kept label that is stored in a column as the text that names its values, if there is one."""
    return next(
        (label.name for label in LABELS.values() if label.kept and label.text is str and label.column == column), None
    )
