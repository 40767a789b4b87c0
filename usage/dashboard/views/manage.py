"""Prices, keys and the system: pages that also change something, in the same way as the API."""

from functools import wraps
from typing import NamedTuple

from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from rest_framework.exceptions import APIException

from aliases.models import ApiKey
from aliases.serializers import AliasBody
from aliases.shapes import aliases
from catalog.api import set_switch
from catalog.models import Connection
from catalog.sync import sync_now
from cpa_usage.api import OURS
from cpa_usage.http import rest
from cpa_usage.http.errors import error_of
from pricing.api.serializers import RATES, PriceBody, RateField
from pricing.api.shapes import Price, PriceCard
from pricing.api.shapes import prices as prices_on
from pricing.models import Model, Revision
from usage.analytics.answers import Summary
from usage.analytics.breakdowns import breakdown
from usage.analytics.coverage import coverage
from usage.dashboard.pages import page, signed_in
from usage.ops.notices import notices
from usage.ops.status import status
from usage.ops.storage import database_bytes

RATE_SUFFIX = "_price_per_1m"  # of PriceBody's names; the form of the page has them without


class PriceOfPage(PriceBody):
    """A price as the page's form has it, where every blank rate is the one it derives from; the API takes 0."""

    cache_price_per_1m = RateField(source="cache_read", default=None)


class PricedModel(NamedTuple):
    """A model, its price of today (None: unpriced) and its usage in the period (None: unused)."""

    model: str
    price: Price | None
    used: Summary | None

    @property
    def card(self) -> PriceCard | None:
        """Its standard card of today as it was entered: a derived rate is None."""
        cards = [card for dated in self.price.sets if dated.in_force for card in dated.cards] if self.price else []
        return next((card for card in cards if not (card.tier or card.context_over)), None)

    @property
    def note(self) -> str:
        """What must be known of its price of today."""
        return next((dated.note for dated in self.price.sets if dated.in_force), "") if self.price else ""

    @property
    def missing(self) -> bool:
        """Whether its usage costs nothing only because it has no price."""
        return self.price is None and self.used is not None and bool(self.used.total_tokens or self.used.success)


def changes(name):
    """Decorator of a view that changes something and returns a sentence, for the page of that name.

    Back on the page, the sentence is shown, or why the change was refused, with the field of the API's error.
    """

    def decorate(view):
        @require_POST
        @signed_in
        @wraps(view)
        def wrapper(request, **kwargs):
            try:
                messages.success(request, view(request, **kwargs))
            except APIException as refusal:
                error = error_of(refusal)
                messages.error(request, f"{error.field}: {error.error}" if error.field else error.error)
            back = "overview" if request.POST.get("back") == "overview" else name
            query = request.GET.urlencode()
            return redirect(f"{reverse(back)}?{query}" if query else back)

        return wrapper

    return decorate


@page("usage/prices.html")
def prices(request, filters):
    """The price of each model today, its usage in the period, and what of that has no known cost."""
    return {"rows": _price_list(filters), "coverage": coverage(filters), "today": timezone.localdate()}


@changes("prices")
def price(request):
    """Set or clear one model's price."""
    model = request.POST.get("model", "")
    if "clear" in request.POST:
        Model.objects.clear_price(model)
        return _("The price is cleared.")
    values = dict(rest.valid(PriceOfPage, {"model": model, **_rates(request.POST)}))
    Model.objects.set_price(values.pop("model"), values, values.pop("valid_from"))
    return _("The price is set, and history is costed again.")


@page("usage/keys.html")
def keys(request, filters):
    """Client keys: their names, and their usage in the period."""
    used = {row.key: row.figures for row in breakdown(filters, "api_key").rows}
    return {"rows": [(key, used.get(key.key_id)) for key in aliases().items], "unkeyed": used.get("unknown")}


@changes("keys")
def alias(request):
    """Name one key; a blank name clears it."""
    posted = {"api_key": request.POST.get("key_id", ""), "alias": request.POST.get("alias", "")}
    body = rest.valid(AliasBody, posted)
    ApiKey.objects.rename(body["api_key"], body["alias"])
    return _("The name is kept.")


@page("usage/system.html", cached=False)
def system(request, filters):
    """How the drain, the sync and the database are doing."""
    return {
        "live": 5,
        "notices": notices(),
        "status": status(),
        "connection": Connection.objects.filter(pk=1).first(),
        "database_bytes": database_bytes(),
        "ours": OURS,
    }


@changes("system")
def sync(request):
    """Read CPA's lists now."""
    if error := sync_now():
        raise APIException(error)
    return _("CPA's lists are read.")


@changes("system")
def switch(request, name):
    """Turn CPA's usage records or request logs on."""
    set_switch(name, True)
    return _("It is switched on at CPA.")


def _price_list(filters):
    """All models: those that lack a price, then most tokens in the period first, unused ones by name after them."""
    priced = {price.model: price for price in prices_on(Revision.current_stamp(), timezone.localdate()).items}
    used = {row.key: row.figures for row in breakdown(filters, "model").rows}
    names = {*Model.objects.values_list("name", flat=True), *priced}
    found = [PricedModel(name, priced.get(name), used.get(name)) for name in names]
    return sorted(found, key=lambda row: (not row.missing, -(row.used.total_tokens if row.used else -1), row.model))


def _rates(posted):
    """The fields of PriceOfPage that are filled in; a text that is no number stays, and is refused by its field."""
    texts = {name: posted.get(name.removesuffix(RATE_SUFFIX), "").strip() for name in RATES}
    found = {name: as_number(text) for name, text in texts.items() if text}
    return found | ({"valid_from": posted["valid_from"]} if posted.get("valid_from") else {})


def as_number(text: str) -> float | str:
    """A number that was typed; another text stays, for its field to refuse."""
    try:
        return float(text)
    except ValueError:
        return text
