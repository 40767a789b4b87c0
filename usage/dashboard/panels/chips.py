"""The filters in force, as a page shows them: one chip each, with the query that remains when it is removed."""

from typing import NamedTuple

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import accounts
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
    """One filter: its name, its value in words, and the query without it."""

    name: str
    value: str
    without: QueryDict
    label: str  # or what else it filters by
    is_excluded: bool

    @property
    def of_events(self) -> bool:
        """Whether totals cannot be filtered by it."""
        return self.label in EVENT_FILTERS


def chips_of(query: QueryDict) -> list[Chip]:
    """A chip for every filter of a query except its period, in a fixed order."""
    titles = {name: label.title for name, label in filtering().items()} | EVENT_FILTERS
    return [
        _chip(query, name, str(title), text)
        for name, title in titles.items()
        for text in query.getlist(name)
        if text.strip()
    ]


def _chip(query, name, title, text):
    label = name.removeprefix(NOT)
    return Chip(title, in_words(label, text), _without(query, name, text), label, label != name)


def in_words(name: str, text: str) -> str:
    """The value of a filter as people read it."""
    if name in {"source", OWNER}:
        return names_of(LABELS[name], {text})[text][1]
    if name == "api_key":
        key = key_fingerprint(text)
        shown = names_of(LABELS[name], {key})[key][1]
        return _("unknown key") if shown == key else shown
    if name == "auth_index":
        known = accounts([text]).get(text)
        return known.display if known else text
    return _("none") if text == NONE else str(WORDS.get((name, text), text))


def _without(query, name, text):
    rest = query.copy()
    rest.setlist(name, [other for other in query.getlist(name) if other != text])
    rest.pop("page", None)
    return rest
