"""The filters in force, as a page shows them: one chip each, with the query that remains when it is taken away."""

from typing import NamedTuple

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aliases.models import ApiKey
from catalog.models import accounts
from usage.filters import key_fingerprint
from usage.models import Series

NAMES = {
    "model": gettext_lazy("Model"),
    "source": gettext_lazy("Source"),
    "api_key": gettext_lazy("Key"),
    "auth_index": gettext_lazy("Account"),
    "result": gettext_lazy("Result"),
    "provider": gettext_lazy("Provider"),
    "endpoint": gettext_lazy("Endpoint"),
    "request_id": gettext_lazy("Request"),
}


class Chip(NamedTuple):
    """One filter: its name, its value in words, and the query without it."""

    name: str
    value: str
    without: QueryDict


def chips_of(query: QueryDict) -> list[Chip]:
    """Chips of every label filter of a query, in a fixed order."""
    return [
        Chip(str(title), _value(name, text), _without(query, name, text))
        for name, title in NAMES.items()
        for text in query.getlist(name)
        if text.strip()
    ]


def _value(name, text):
    if name == "api_key":
        key = ApiKey.objects.filter(fingerprint=key_fingerprint(text)).first()
        return str(key) if key else _("unknown key")
    if name == "source":
        shown = Series.objects.filter(source=text).values_list("source_display", flat=True).first()
        return shown or text
    if name == "auth_index":
        known = accounts([text]).get(text)
        return known.display if known else text
    return {"success": _("succeeded"), "failed": _("failed")}.get(text, text) if name == "result" else text


def _without(query, name, text):
    rest = query.copy()
    rest.setlist(name, [other for other in query.getlist(name) if other != text])
    rest.pop("page", None)
    return rest
