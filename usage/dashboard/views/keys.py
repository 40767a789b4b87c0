"""Client keys: what people call them, whose they are, and what they used."""

from typing import NamedTuple

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from aliases.models import SAID, ApiKey
from aliases.serializers import AliasBody
from aliases.shapes import Alias, aliases
from cpa_usage.http import rest
from cpa_usage.http.lists import counted
from usage.analytics.answers import Summary
from usage.analytics.breakdowns import used_by
from usage.dashboard.pages import form_of, page
from usage.dashboard.undoing import Undoable
from usage.dashboard.views.manage import changes
from usage.models.labels import NO_KEY, OWNER
from usage.query.forms import PAGE_SIZE, ListForm, checked
from usage.query.names import owners


class Row(NamedTuple):
    """A key, or (None) the keys of an owner together: what they used in the period, and how many requests ever."""

    key: Alias | None
    owner: str
    used: Summary | None
    ever: int
    count: int = 1
    under: bool = False


@page("usage/keys.html")
def keys(request, filters):
    """Client keys: their names and owners, and their usage in the period."""
    found, listed = checked(ListForm(request.GET)).page_of(PAGE_SIZE, lambda query: counted(aliases(query)))
    used = used_by(filters, "api_key", ["", *(key.key_id for key in found.items)])
    of_owners = used_by(filters, OWNER, sorted({key.owner for key in found.items} - {""}))
    is_part = found.totals or request.GET.get("q")
    everything = aliases().items if is_part and of_owners else found.items
    return {
        "rows": _owned(found.items, used, of_owners, everything),
        "unkeyed": used.get(NO_KEY),
        "list": listed,
    }


def _owned(
    keys: list[Alias], used: dict[str, Summary], of_owners: dict[str, Summary], everything: list[Alias]
) -> list[Row]:
    """The keys in their order, those of one owner together; `used` by key id, and by owner.

    Sums of an owner are of all keys there are, `everything`, whether they are listed here or not.
    """
    groups: dict[str, list[Alias]] = {}
    for key in keys:
        groups.setdefault(key.owner or key.key_id, []).append(key)
    rows = []
    for owner, group in groups.items():
        is_many = len(group) > 1
        if is_many:
            ever = [key.event_count for key in everything if key.owner == owner]
            rows.append(Row(None, owner, of_owners.get(owner), sum(ever), len(ever)))
        rows += [Row(key, key.owner, used.get(key.key_id), key.event_count, under=is_many) for key in group]
    return rows


@page("usage/key.html", cached=False)
def key(request, filters):
    """The form for one key."""
    found = get_object_or_404(ApiKey.objects.real(), fingerprint=form_of(request).get("edit", ""))
    return {"key": found, "owners": sorted(set(owners().values()))}


@changes("keys")
def alias(request):
    """Say what one key is called, whose it is, and a note; a blank clears."""
    said = {name: request.POST[name] for name in SAID if name in request.POST}
    body = rest.valid(AliasBody, {"api_key": request.POST.get("key_id", ""), **said})
    asked = ApiKey.of(body.pop("api_key"))
    change = Undoable("key", asked.fingerprint)
    ApiKey.objects.describe(asked.fingerprint, **body)
    shown = str(ApiKey.objects.filter(fingerprint=asked.fingerprint).first() or asked)
    return change.message(_("Key %(key)s saved.") % {"key": shown}, shown)
