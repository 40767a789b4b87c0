"""Prices, keys and the system: pages that also change something, in the same way as the API."""

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
from cpa_usage.http.errors import error_of
from pricing.api.serializers import PriceBody
from pricing.models import Model
from usage.analytics.breakdowns import breakdown
from usage.dashboard.pages import page, signed_in
from usage.dashboard.panels.prices import price_list
from usage.ops.notices import notices
from usage.ops.status import status
from usage.ops.storage import database_bytes

RATES = ("prompt", "completion", "cache", "cache_write", "reasoning")


@page("usage/prices.html")
def prices(request, filters):
    """The price of each model today, and its usage in the period."""
    return {"rows": price_list(filters), "today": timezone.localdate()}


@require_POST
@signed_in
def price(request):
    """Set or clear one model's price."""
    model = request.POST.get("model", "")
    if "clear" in request.POST:
        Model.objects.clear_price(model)
        return _saved(request, "prices", _("The price is cleared."))
    body = PriceBody(data={"model": model, **_rates(request.POST)})
    if not body.is_valid():
        return _rejected(request, "prices", body)
    values = dict(body.validated_data)
    Model.objects.set_price(values.pop("model"), values, values.pop("valid_from"))
    return _saved(request, "prices", _("The price is set, and history is costed anew."))


@page("usage/keys.html")
def keys(request, filters):
    """Client keys: their names, and their usage in the period."""
    used = {row.key: row.figures for row in breakdown(filters, "api_key").rows}
    return {"rows": [(key, used.get(key.key_id)) for key in aliases().items], "unkeyed": used.get("unknown")}


@require_POST
@signed_in
def alias(request):
    """Name one key; a blank name clears it."""
    body = AliasBody(data={"api_key": request.POST.get("key_id", ""), "alias": request.POST.get("alias", "")})
    if not body.is_valid():
        return _rejected(request, "keys", body)
    ApiKey.objects.rename(body.validated_data["api_key"], body.validated_data["alias"])
    return _saved(request, "keys", _("The name is kept."))


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


@require_POST
@signed_in
def sync(request):
    """Read CPA's lists now."""
    error = sync_now()
    messages.add_message(request, messages.ERROR if error else messages.SUCCESS, error or _("CPA's lists are read."))
    return redirect(_page_of_button(request))


@require_POST
@signed_in
def switch(request, name):
    """Turn CPA's usage records or request logs on."""
    try:
        set_switch(name, True)
    except APIException as problem:
        messages.error(request, str(problem.detail))
    else:
        messages.success(request, _("It is switched on at CPA."))
    return redirect(_page_of_button(request))


def _page_of_button(request):
    return "overview" if request.POST.get("back") == "overview" else "system"


def _rates(posted):
    """The fields of PriceBody that are filled in; a text that is no number stays, and is refused by its field."""
    texts = {f"{name}_price_per_1m": posted.get(name, "").strip() for name in RATES}
    found = {name: _number(text) for name, text in texts.items() if text}
    return found | ({"valid_from": posted["valid_from"]} if posted.get("valid_from") else {})


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text


def _saved(request, name, sentence):
    messages.success(request, sentence)
    return redirect(f"{reverse(name)}?{request.GET.urlencode()}")


def _rejected(request, name, body):
    """Back to the page, with the sentence and the field of the API's error."""
    try:
        body.is_valid(raise_exception=True)
    except APIException as refusal:
        error = error_of(refusal)
        messages.error(request, f"{error.field}: {error.error}" if isinstance(error.field, str) else error.error)
    return redirect(f"{reverse(name)}?{request.GET.urlencode()}")
