"""The source of a filter: the kept totals of label values where these know all that is asked, else those of series."""

from dataclasses import dataclass

from usage.models import Day, LabelDay, LabelQuarter, Quarter
from usage.models.labels import LABELS, OWNER
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

    def rows(self, table: Table) -> RollupQuerySet:
        """The rows of days or of quarter hours."""
        if self.label is not None:
            return OF_LABELS[table].objects.of_label(self.label, self.values)
        return OF_SERIES[table].objects.matching(self.filters)


def source(filters: UsageFilter, by: tuple[str, ...] = ()) -> Source:
    """Where the totals of a filter are read, grouped by columns of Series; for owners by the keys that have them."""
    by = keyed(by)
    if by and not filters.labels and len(by) == 1 and (label := _kept(by[0])):
        return Source(filters, ("label_value__value",), label)
    if by or len(filters.labels) > 1:
        return Source(filters, tuple(column if column == GROUP else f"series__{column}" for column in by))
    if not filters.labels:
        return Source(filters, label="", values=("",))
    name, values = filters.labels[0]
    label = LABELS[name]
    return Source(filters, label=name, values=tuple(map(label.text, values))) if label.kept else Source(filters)


def keyed(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of Series with client keys in the place of their owners, each once."""
    return tuple(dict.fromkeys(KEY if column == OWNER_OF else column for column in columns))


def _kept(column):
    """The name of the kept label that is stored in a column as the text that names its values, if there is one."""
    return next(
        (label.name for label in LABELS.values() if label.kept and label.text is str and label.column == column), None
    )
