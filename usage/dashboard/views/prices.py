"""The page of prices: of models, of a provider, an account or a client key, and what resellers take of them."""

from functools import partial

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from cpa_usage.http import rest
from pricing.api.adjustments import AdjustmentBody
from pricing.api.serializers import RATES, CardBody, PriceBody, RateField, ScopedModel
from pricing.api.shapes import prices as prices_on
from pricing.models import Adjustment, Model, RateCard, Revision, adjusting
from pricing.rates import PICO
from usage.analytics.breakdowns import breakdown
from usage.analytics.coverage import coverage
from usage.dashboard.formats import usd
from usage.dashboard.pages import page
from usage.dashboard.panels.prices import OFF_PEAK, RATE_SUFFIX, PricedModel, adjusted, choices, rows_of
from usage.dashboard.views.manage import as_number, changes
from usage.query.forms import PAGE_SIZE, ListForm, checked

MODELS = 50  # of a page: each has a form
MOST_USED = 10_000


class CardOfPage(CardBody):
    """A card as the page's form has it, where every blank rate is the one it derives from; the API takes 0."""

    cache_price_per_1m = RateField(source="cache_read", default=None)


class PriceOfPage(PriceBody):
    """A price as the page's form has it."""

    cache_price_per_1m = RateField(source="cache_read", default=None)
    cards = serializers.ListField(child=CardOfPage(), default=None, allow_null=True)


@page("usage/prices.html")
def prices(request, filters):
    """What each model costs today and did in the period, what of that is not known, and resellers' factors."""
    today = timezone.localdate()
    rows, listed = checked(ListForm(request.GET)).page_of(MODELS, partial(_price_list, filters, today))
    return {
        "rows": rows,
        "list": listed,
        "blank": PricedModel(""),
        "coverage": coverage(filters, PAGE_SIZE),
        "adjusted": adjusted(today),
        "choices": choices(),
        "today": today,
    }


@changes("prices")
def price(request):
    """Set or clear one model's price, for all usage or for a provider, an account or a client key."""
    which = {"model": request.POST.get("model", ""), **_whose(request.POST, "scope_value")}
    if "clear" in request.POST:
        which = rest.valid(ScopedModel, which)
        Model.objects.clear_price(which.pop("model"), **which)
        return _("The price is cleared.")
    dated = {"valid_from": request.POST.get("valid_from") or None}
    values = dict(rest.valid(PriceOfPage, which | dated | _rates_or_cards(request.POST)))
    name, day, scope, value, cards = map(values.pop, ("model", "valid_from", "scope", "scope_value", "cards"))
    cards = [RateCard(**card) for card in cards or [values]]
    if "preview" in request.POST:
        known = Model.objects.filter(name=name).first()
        return _preview(known and known.effect_of(lambda model: model.set_cards(cards, day, scope, value)))
    Model.objects.set_cards(name, cards, day, scope=scope, scope_value=value)
    return _("The price is set, and history is costed again.")


@changes("prices")
def adjustment(request):
    """Set or end a factor and a fee of a provider, an account or a client key, or take one away."""
    if "remove" in request.POST:
        for each in [each for each in Adjustment.objects.all() if str(each.pk) == request.POST["remove"]]:
            adjusting.drop(each)
        return _("It is removed, and history is costed again.")
    posted = {"factor": 1, "valid_from": timezone.localdate().isoformat()}
    if "end" not in request.POST:
        names = ("factor", "request_price")
        posted = {name: as_number(request.POST[name]) for name in names if request.POST.get(name, "").strip()}
        posted |= {"note": request.POST.get("note", ""), "valid_from": request.POST.get("valid_from") or None}
    values = rest.valid(AdjustmentBody, _whose(request.POST, "value") | posted)
    if "preview" in request.POST:
        return _preview(adjusting.effect_of_putting(adjusting.entered(**values)))
    adjusting.enter(**values)
    return _("It is set, and history is costed again.")


def _preview(effect):
    """What a change would do to the costs of the past, in a sentence; None: it was never used."""
    if effect is None or not effect.total.changes:
        return _("No cost of the past changes.")
    before, after = effect.total.cost_before / PICO, effect.total.cost_after / PICO
    return _("Costs of the past: %(before)s, then %(after)s.") % {"before": usd(before), "after": usd(after)}


def _price_list(filters, today, part):
    """A part of the models, and how many there are: first those that lack a price, then most tokens in the period.

    Unused ones come by name after them; of a flood only the most used count as used.
    """
    listed, models = prices_on(Revision.current_stamp(), today), Model.objects.filter(name__icontains=part.q)
    priced = {price.model: price for price in listed.items}
    names = set(models.order_by().values_list("name", flat=True))
    names |= {name for name in priced if part.q.lower() in name.lower()}
    used = {row.key: row.figures for row in breakdown(filters, "model", MOST_USED).rows}
    found = [PricedModel(name, priced.get(name), used.get(name), _today(priced.get(name))) for name in names]
    found.sort(key=lambda row: (not row.missing, -(row.used.total_tokens if row.used else -1), row.model))
    shown = {row.model for row in part.of(found)}
    return rows_of(part.of(found), [price for price in listed.scoped if price.model in shown]), len(found)


def _today(price):
    """The set for all usage that is in force."""
    return next((dated for dated in price.sets if dated.in_force and not dated.scope), None) if price else None


def _whose(posted, value_name):
    """The scope and value of a form that has both in one field."""
    scope, _colon, value = posted.get("whose", "").partition(":")
    return {"scope": scope, value_name: value}


def _rates_or_cards(posted):
    """The rates of all hours, or, where the form names hours, a card of them and one for those hours."""
    rates, others = _rates(posted), _rates(posted, OFF_PEAK)
    hours = {name: posted[name] for name in ("hours_from", "hours_to") if posted.get(name)}
    return {"cards": [rates, rates | others | hours]} if hours or others else rates


def _rates(posted, prefix=""):
    """The rates that are filled in; a text that is no number stays, and is refused by its field."""
    texts = {name: posted.get(prefix + name.removesuffix(RATE_SUFFIX), "").strip() for name in RATES}
    return {name: as_number(text) for name, text in texts.items() if text}
