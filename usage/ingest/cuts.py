"""From totals of series to totals of cuts: everything, and one value of each label of Cut."""

from collections import defaultdict

from usage.models import Cut, Series

Label = Cut.Label
LABELS = tuple(label for label in Label if label not in {Label.EVERYTHING, Label.STATUS})
ELSEWHERE = {Label.MODEL: "model__name", Label.API_KEY: "api_key__fingerprint"}  # what Series keeps by reference
COLUMNS = tuple(ELSEWHERE.get(each, each) for each in LABELS)
# Labels of many values, in each of which few series count; what is among them changes how fast sums are, not the sums.
NARROW = {Label.MODEL, Label.SOURCE, Label.API_KEY}
Rows = dict[tuple[int, int], list[int]]  # (bucket, series or cut) -> measures


class Cuts:
    """Knows which cuts a series counts in, from when it first meets it; the rows of new cuts are made then."""

    def __init__(self):
        self._of: dict[int, tuple[list[int], tuple[int, ...]]] = {}  # series -> narrow cuts, wide ones

    def fold(self, rows: Rows) -> Rows:
        """Rows by (bucket, series) summed to rows by (bucket, cut)."""
        self._learn({series for _, series in rows} - self._of.keys())
        parts, shared = defaultdict(list), defaultdict(list)
        for (bucket, series), row in rows.items():
            narrow, wide = self._of[series]
            shared[bucket, wide].append(row)
            for cut in narrow:
                parts[bucket, cut].append(row)
        # Many series count in the same wide cuts: their sum stands for them.
        for (bucket, wide), row in _summed(shared).items():
            for cut in wide:
                parts[bucket, cut].append(row)
        return _summed(parts)

    def _learn(self, series_ids):
        if series_ids:
            rows = Series.objects.filter(id__among=sorted(series_ids)).values_list("id", "failed", "status", *COLUMNS)
            keys = {id: cuts_of(*labels) for id, *labels in rows}
            ids = Cut.objects.observe({cut for cuts in keys.values() for cut in cuts})
            for id, cuts in keys.items():
                narrow = [ids[cut] for cut in cuts if cut[0] in NARROW]
                self._of[id] = narrow, tuple(ids[cut] for cut in cuts if cut[0] not in NARROW)


def _summed(parts):
    """Column by column, for sum() adds a column six times faster than Python adds its rows one after the other."""
    return {key: list(map(sum, zip(*found, strict=True))) for key, found in parts.items()}


def cuts_of(failed: bool, status: int | None, *values: str) -> list[tuple[str, str, bool]]:
    """(label, value, failures alone) of every cut that a series with these values of LABELS counts in."""
    named = [(Label.EVERYTHING, ""), *zip(LABELS, values, strict=True)]
    kinds = (False, True) if failed else (False,)
    found = [(label.value, value, alone) for alone in kinds for label, value in named]
    return found if status is None else [*found, (Label.STATUS.value, str(status), True)]
