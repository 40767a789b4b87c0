"""How many values a label may have, and how many label sets there may be: what comes after that is "(other)".

So a flood of names cannot fill the tables, the memory of the drain or the pages. What is stored already keeps its
names for ever, and sums stay right. docs/accounting.md says what is lost.
"""

from usage.models import Series
from usage.models.labels import OTHER, OTHER_KEY, open_labels

SERIES_LIMIT = 50_000  # label sets with all of their names
SPARE = 20_000  # and so many more after each further fold
OTHER_GET = f"GET {OTHER}"  # of an endpoint: each message of a WebSocket is a request of its own
ALWAYS = ("", OTHER, OTHER_KEY, OTHER_GET)


def folded(labels, fields):
    """The label set without the names that these fields of Series have in it."""
    if not fields:
        return labels
    names = dict.fromkeys(fields, OTHER)
    if "source" in names:
        names["source_display"] = OTHER
    if "api_key" in names:
        names["api_key"] = OTHER_KEY
    if "endpoint" in names and labels.endpoint.startswith("GET "):
        names["endpoint"] = OTHER_GET
    return labels._replace(**names)


def folds() -> list[tuple[int, list[str]]]:
    """(how many rows there may be, the fields that are folded up to there), one after the other; the last always fits.

    Prices go last: those of a provider, an account, a route and the requested name before those of a key and a model.
    """
    fields = [label.field for label in open_labels()]
    stages = [[], [name for name in fields if name not in {"model", "api_key"}], [n for n in fields if n != "model"]]
    return [*((SERIES_LIMIT + SPARE * n, names) for n, names in enumerate(stages)), (2**63, fields)]


class Values:
    """The values of each label that keep their names: all that are stored, and new ones while there is room."""

    def __init__(self):
        self._labels = {label.field: label for label in open_labels()}
        # By their hashes, which take less memory. Two values of one hash would only be let in together.
        self._known: dict[str, set[int]] = {}

    def admits(self, field: str, value: str) -> bool:
        """Whether a value keeps its name; one that finds room has it from now on."""
        if field not in self._known:
            rows = Series.values_of(self._labels[field]).iterator()
            self._known[field] = {hash(row[0]) for row in rows}
        known = self._known[field]
        if value in ALWAYS or hash(value) in known:
            return True
        if len(known) >= self._labels[field].most:
            return False
        known.add(hash(value))
        return True

    def fold(self, labels):
        """The label set with those of its names for which there is room."""
        return folded(labels, [field for field in self._labels if not self.admits(field, getattr(labels, field))])
