"""Views with a name, and links that show one to people without a login: the pages and the API share them."""

import unicodedata
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from msgspec import Struct
from rest_framework import serializers

from cpa_usage.http.fields import TextField
from cpa_usage.http.lists import Listing, ListQuery
from cpa_usage.keys import fingerprint, is_fingerprint
from usage.analytics.choices import AccountsPageForm, ChartForm, TimelineForm
from usage.models import SavedView, Series, SharedView
from usage.models.labels import LABELS, NOT
from usage.query.filters import key_fingerprint
from usage.query.forms import EventsForm, ListForm, UsageFilterForm, YearForm, checked
from usage.query.names import owners
from usage.records.secrecy import account, masked

SHARED = ("overview", "analysis", "failures", "requests", "accounts", "health", "statement")  # pages a link can show
PAGES = (*SHARED, "prices", "keys")
PLACE = ("page", "before", "for", "label")  # where one is, which is no part of a view
FORMS = {  # what else than filters a page takes
    "overview": ChartForm,
    "analysis": TimelineForm,
    "requests": EventsForm,
    "accounts": AccountsPageForm,
    "health": YearForm,
    "prices": ListForm,
    "keys": ListForm,
}
OF_TABLES = ("order", "shown")  # what every page takes: the order of a table, and columns
LONGEST = 4_000  # characters of an address; the web server takes lines of 4,094


class ViewRow(Struct, frozen=True):
    """A view; `address` leads to it."""

    id: int
    name: str
    page: str
    query: str
    address: str


class Views(Listing, frozen=True, kw_only=True):
    """Saved views, by name."""

    items: list[ViewRow]


class ViewBody(serializers.Serializer):
    """A view to be kept; one that has its name already is replaced."""

    name = TextField(max_length=100)
    page = serializers.ChoiceField(PAGES)
    query = TextField(default="", allow_blank=True, max_length=4000)

    def validate_query(self, text):
        """As a mapping of parameters, of which `validate` keeps some."""
        return QueryDict(text.removeprefix("?"), mutable=True)

    def validate_name(self, text):
        """Of what can be seen: there are letters without a shape, and marks that only turn others around."""
        if text and not any(unicodedata.category(character)[0] in "LNPS" for character in text):
            raise serializers.ValidationError(_("A name has at least one letter that can be seen."))
        return text

    def validate(self, body):
        """With what the page takes alone; what it would refuse is refused here."""
        try:
            query = kept(body["page"], body["query"]).urlencode()
        except ValidationError as refusal:
            field, sentences = next(iter(refusal.message_dict.items()))
            raise serializers.ValidationError({"query": f"{field}: {sentences[0]}"}) from None
        if len(f"{reverse(body['page'])}?{query}") > LONGEST:
            raise serializers.ValidationError({"query": _("These are too many filters for one address.")})
        return {**body, "query": query}


class ShareBody(ViewBody):
    """A view to be shared, for so many days; without days its link has no end."""

    name = TextField(default="", allow_blank=True, max_length=100)
    page = serializers.ChoiceField(SHARED)
    days = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=36_500)


def listed(query: ListQuery) -> Views:
    """Saved views in whose names something is found."""
    return query.listing(Views, SavedView.objects, "name")


def row_of(view: SavedView) -> ViewRow:
    """The view as the API shows it."""
    return ViewRow(view.pk, view.name, view.page, view.query, view.address)


def save(name: str, **about) -> SavedView:
    """Keep a view, in place of the one that has its name."""
    return SavedView.objects.update_or_create(name=name, defaults=about)[0]


def share(days: int | None, **about) -> str:
    """Make a link to a view; its token cannot be had again."""
    expires_at = timezone.now() + timedelta(days=days) if days else None
    return SharedView(**about, expires_at=expires_at).issue()


def kept(page: str, query: QueryDict) -> QueryDict:
    """What a page takes of these parameters, without its place and without keys as they are; ValidationError names one
    that it refuses."""
    forms = [UsageFilterForm(query)]
    if page in FORMS:
        forms.append(FORMS[page](_without_order_of_tables(query)))
    known = {name for form in forms for name in checked(form).fields}.union(OF_TABLES).difference(PLACE)
    found = QueryDict(mutable=True)
    for name, texts in query.lists():
        if name in known:
            found.setlist(name, [_without_key(name, text) for text in texts])
    return found


def _without_order_of_tables(query):
    """The order of a table in the browser, named with a dot, is none that a form knows."""
    return {name: text for name, text in query.items() if name != "order" or "." not in text}


def _without_key(name, text):
    """A value that may be or hold a key, as the page takes it without; others as they are."""
    given = text.strip()
    match name.removeprefix(NOT):
        case "source" | "account":
            return _account(given)
        case "owner" if given in owners().values():
            return given
        case "api_key" | "owner" if given:
            return LABELS["api_key"].key_of(key_fingerprint(given))
        case "q" | "message" | "request_id" | "auth_index":
            return masked(text, ())  # as messages are stored
    return text


def _account(text):
    """One that records have as it is, however random it looks; else without the key that it may be."""
    hashed = fingerprint(text)
    stored = set(Series.objects.filter(source__in=(text, hashed)).values_list("source", flat=True).distinct())
    if text in stored or is_fingerprint(text):
        return text
    return hashed if hashed in stored else account("", text)[0]
