"""The filters in force, as a page shows them: one chip each, with the query that remains when it is removed."""

from collections.abc import Collection
from typing import NamedTuple

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import accounts
from cpa_usage.keys import is_fingerprint
from usage.models.labels import LABELS, NONE, NOT, OWNER, filtering
from usage.query.filters import key_fingerprint
from usage.query.names import names_of

EVENT_FILTERS = {"message": gettext_lazy("Message"), "request_id": gettext_lazy("Request")}
WORDS = {
    ("result", "success"): gettext_lazy("succeeded"),
    ("result", "failed"): gettext_lazy("failed"),
    ("status", "0"): gettext_lazy("none"),
}


class Chip(NamedTuple):
    """One filter: its name, its value in words, and where it is: in the query, under a parameter, this text."""

    name: str
    value: str
    query: QueryDict
    parameter: str
    text: str

    @property
    def label(self) -> str:
        """The label, or what else the chip filters by."""
        return self.parameter.removeprefix(NOT)

    @property
    def is_excluded(self) -> bool:
        """Whether all but this value pass."""
        return self.parameter != self.label

    @property
    def without(self) -> QueryDict:
        """The query without this filter."""
        rest = self.query.copy()
        rest.setlist(self.parameter, [text for text in self.query.getlist(self.parameter) if text != self.text])
        rest.pop("page", None)
        return rest

    @property
    def words(self) -> str:
        """The filter as a text."""
        return f"{self.name} ≠ {self.value}" if self.is_excluded else f"{self.name}: {self.value}"

    @property
    def of_events(self) -> bool:
        """Whether totals cannot be filtered by it."""
        return self.label in EVENT_FILTERS


def chips_of(query: QueryDict) -> list[Chip]:
    """A chip for every filter of a query except its period, in a fixed order."""
    titles = {name: label.title for name, label in filtering().items()} | EVENT_FILTERS
    given = [(name, text) for name in titles for text in query.getlist(name) if text.strip()]
    texts: dict[str, list[str]] = {}
    for name, text in given:
        texts.setdefault(name.removeprefix(NOT), []).append(text)
    words = {label: in_words(label, values) for label, values in texts.items()}
    return [Chip(str(titles[name]), words[name.removeprefix(NOT)][text], query, name, text) for name, text in given]


def in_words(name: str, texts: Collection[str]) -> dict[str, str]:
    """Values of a filter as people read them."""
    if name in {"source", OWNER}:
        return {text: _shown(text, shown) for text, (_key, shown) in names_of(LABELS[name], set(texts)).items()}
    if name == "api_key":
        keys = {text: key_fingerprint(text) for text in texts}
        names = names_of(LABELS[name], set(keys.values()))
        return {text: _shown(key, names[key][1]) for text, key in keys.items()}
    if name == "auth_index":
        known = accounts(texts)
        return {text: known[text].display if text in known else text for text in texts}
    return {text: _("none") if text == NONE else str(WORDS.get((name, text), text)) for text in texts}


def _shown(value, shown):
    """How a value is shown; of a key that nothing is known of, only that."""
    return _("unknown key") if shown == value and is_fingerprint(value) else shown
