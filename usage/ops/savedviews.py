"""Views with a name, and links that show one to people without a login: the pages and the API share them."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from msgspec import Struct
from rest_framework import serializers

from cpa_usage.http.fields import TextField
from cpa_usage.http.lists import Listing, Part, totals_of
from usage.models import SavedView, SharedView
from usage.models.labels import LABELS, filtering
from usage.query.filters import key_fingerprint
from usage.query.forms import UsageFilterForm, checked
from usage.records.secrecy import account

SHARED = ("overview", "analysis", "failures", "requests", "accounts", "health", "statement")  # pages a link can show
PAGES = (*SHARED, "prices", "keys")
KEPT_AS = {  # what may be a key, as a filter takes it without being one
    "api_key": lambda text: LABELS["api_key"].key_of(key_fingerprint(text)) if text.strip() else "",
    "source": lambda text: account("", text)[0],
}
PLACE = ("page", "before", "for", "label")  # where one is, which is no part of a view


class ViewRow(Struct, frozen=True):
    """A view; `address` leads to it."""

    id: int
    name: str
    page: str
    query: str
    address: str


class Views(Listing, frozen=True, kw_only=True):
    """By name."""

    items: list[ViewRow]


class ViewBody(serializers.Serializer):
    """A view to be kept; one that has its name already is replaced."""

    name = TextField(max_length=100)
    page = serializers.ChoiceField(PAGES)
    query = TextField(default="", allow_blank=True, max_length=4000)

    def validate_query(self, text):
        """Without the place in it, and without keys as they are; what the page would refuse is refused here."""
        query = QueryDict(text.removeprefix("?"), mutable=True)
        try:
            checked(UsageFilterForm(query))
        except ValidationError as refusal:
            field, sentences = next(iter(refusal.message_dict.items()))
            raise serializers.ValidationError(f"{field}: {sentences[0]}") from None
        for name in PLACE:
            query.pop(name, None)
        for name, label in filtering().items():
            if label.name in KEPT_AS:
                query.setlist(name, map(KEPT_AS[label.name], query.getlist(name)))
        return query.urlencode()


class ShareBody(ViewBody):
    """A view to be shared, for so many days; without days its link has no end."""

    page = serializers.ChoiceField(SHARED)
    days = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=36_500)


def listed(part: Part) -> Views:
    """Saved views in whose names something is found."""
    found, count = part.found(SavedView.objects.filter(name__icontains=part.q))
    items = [row_of(view) for view in found]
    return Views(items=items, totals=totals_of(items=(count, items)))


def row_of(view: SavedView) -> ViewRow:
    """As the API tells of it."""
    return ViewRow(view.pk, view.name, view.page, view.query, view.address)


def save(name: str, **about) -> SavedView:
    """Keep a view, in place of the one that has its name."""
    return SavedView.objects.update_or_create(name=name, defaults=about)[0]


def share(days: int | None, **about) -> str:
    """Make a link to a view; its token cannot be had again."""
    expires_at = timezone.now() + timedelta(days=days) if days else None
    return SharedView(**about, expires_at=expires_at).issue()
