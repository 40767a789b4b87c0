"""From totals of series to the kept totals of label values: everything, and each value of the kept labels."""

from collections import defaultdict

from usage.models import LabelValue, Series
from usage.models.labels import kept_labels

Rows = dict[tuple[int, int], list[int]]  # (bucket, series or label value) -> measures
EVERYTHING = ("", "")
REMEMBERED = 10_000  # series; all are forgotten when there are more


class LabelTotals:
    """Knows the label values that a series counts in; rows of new values are made when they are first met."""

    def __init__(self):
        self._of: dict[int, list[int]] = {}  # series -> label values

    def fold(self, rows: Rows) -> Rows:
        """Rows by (bucket, series) summed to rows by (bucket, label value)."""
        if len(self._of) > REMEMBERED:
            self._of.clear()
        self._learn({series for _, series in rows} - self._of.keys())
        totals = defaultdict(list)
        for (bucket, series), row in rows.items():
            for value in self._of[series]:
                totals[bucket, value].append(row)
        return summed(totals)

    def _learn(self, series_ids):
        if not series_ids:
            return
        labels = kept_labels()
        rows = Series.objects.filter(id__among=sorted(series_ids)).values_list("id", *(each.column for each in labels))
        found = {id: list(_values(labels, stored)) for id, *stored in rows}
        ids = LabelValue.objects.observe({value for values in found.values() for value in values})
        self._of |= {id: [ids[value] for value in values] for id, values in found.items()}


def _values(labels, stored):
    """(name of the label, value as a text) of all that a series counts in; a success has no status."""
    yield EVERYTHING
    for label, value in zip(labels, stored, strict=True):
        if value is not None:
            yield label.name, label.text(value)


def summed(totals):
    """Column by column: sum() adds a column six times faster than Python adds its rows one after the other."""
    return {key: rows[0] if len(rows) == 1 else list(map(sum, zip(*rows, strict=True))) for key, rows in totals.items()}
