"""From totals of series to totals of cuts: everything, one model, one source, one client key."""

from operator import add

from usage.finality import chunks
from usage.models import Cut, Series

Label = Cut.Label
LABELS = ("id", "model__name", "source", "api_key__fingerprint", "failed")
Rows = dict[tuple[int, int], list[int]]  # (bucket, series or cut) -> measures


class Cuts:
    """Knows which cuts a series counts in, from when it first meets it; the rows of new cuts are made then."""

    def __init__(self):
        self._of: dict[int, list[int]] = {}

    def fold(self, rows: Rows) -> Rows:
        """Rows by (bucket, series) summed to rows by (bucket, cut)."""
        self._learn({series for _, series in rows} - self._of.keys())
        sums: Rows = {}
        for (bucket, series), row in rows.items():
            for cut in self._of[series]:
                have = sums.get((bucket, cut))
                sums[bucket, cut] = list(row) if have is None else list(map(add, have, row))
        return sums

    def _learn(self, series_ids):
        for chunk in chunks(sorted(series_ids)):
            rows = Series.objects.filter(id__in=chunk).values_list(*LABELS)
            keys = {id: cuts_of(*labels) for id, *labels in rows}
            ids = Cut.objects.observe({cut for cuts in keys.values() for cut in cuts})
            self._of.update((id, [ids[cut] for cut in cuts]) for id, cuts in keys.items())


def cuts_of(model: str, source: str, api_key: str, failed: bool) -> list[tuple[str, str, bool]]:
    """(label, value, failed) of every cut that a series with these labels counts in."""
    values = {Label.EVERYTHING: "", Label.MODEL: model, Label.SOURCE: source, Label.API_KEY: api_key}
    return [(label.value, value, failed) for label, value in values.items()]
