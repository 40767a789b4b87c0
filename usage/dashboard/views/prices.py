"""The page of prices: of models, of a provider, an account or a client key, and what resellers take of them."""

from functools import partial

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import APIException

from cpa_usage.http import rest
from pricing.api.adjustments import AdjustmentBody
from pricing.api.serializers import RATES, CardBody, PriceBody, RateField, ScopedModel
from pricing.api.shapes import prices as prices_on
from pricing.models import Adjustment, Model, RateCard, Revision, adjusting
from usage.analytics.breakdowns import breakdown
from usage.analytics.coverage import coverage
from usage.dashboard.pages import form_of, page
from usage.dashboard.panels.prices import (
    OFF_PEAK,
    RATE_SUFFIX,
    PricedModel,
    adjusted,
    choices,
    in_words,
    names_of_places,
    rows_of,
    spans,
    typed,
)
from usage.dashboard.undoing import Undoable
from usage.dashboard.views.manage import as_number, changes
from usage.query.forms import PAGE_SIZE, ListForm, checked

MOST_USED = 10_000
MODELS = 1000  # suggested


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
    rows, listed = checked(ListForm(request.GET)).page_of(PAGE_SIZE, partial(_price_list, filters, today))
    return {
        "rows": rows,
        "list": listed,
        "coverage": coverage(filters, PAGE_SIZE),
        "adjusted": adjusted(today),
        "today": today,
    }


@page("usage/price.html", cached=False)
def edit_price(request, filters):
    """The form for the price of one model, or, without one, for that of any model for some usage."""
    asked, today = form_of(request), timezone.localdate()
    name, whose = asked.get("edit", ""), asked.get("whose", "")
    listed = prices_on(Revision.current_stamp(), today)
    found = next((price for price in listed.items if price.model == name), None)
    rows = rows_of([PricedModel(name, found, None, _today(found))], [p for p in listed.scoped if p.model == name])
    row = next((row for row in rows if name and row.scope == whose), PricedModel(name))
    hours = dict(zip(("hours_from", "hours_to"), row.between, strict=True))
    context = {
        "row": row,
        "asked": hours | asked.dict(),
        "fields": typed(row.fields, asked),
        "hourly": typed(row.off_peak, asked),
    }
    if row.whose or (not whose and name):
        place = row.scope.split(":", 1) if row.scope else ("", "")
        return context | {"stamp": Undoable("price", name, *place).stamp}
    return context | {"choices": choices(), "models": Model.objects.values_list("name", flat=True)[:MODELS]}


@page("usage/adjustment.html", cached=False)
def edit_adjustment(request, filters):
    """The form for a factor and a fee, or, without one, for a new one."""
    asked = form_of(request)
    row = next((each for each in adjusted(timezone.localdate()) if str(each.adjustment.pk) == asked.get("edit")), None)
    now = {"factor": row.factor, "request_price": row.fee, "note": row.adjustment.note} if row else {}
    return {"row": row, "asked": now | asked.dict(), "choices": choices()}


@changes("prices", form="edit_price")
def price(request):
    """Set or clear one model's price, for all usage or for a provider, an account or a client key."""
    which = {"model": request.POST.get("model", ""), **_whose(request.POST, "scope_value")}
    if "clear" in request.POST:
        which = rest.valid(ScopedModel, which)
        name = which.pop("model")
        with transaction.atomic():
            change = _unseen(request, name, which["scope"], which["scope_value"])
            Model.objects.clear_price(name, **which)
        return change.message(_("Price of %(model)s cleared.") % {"model": name}, name)
    dated = {"valid_from": request.POST.get("valid_from") or None}
    _refuse_blank(request.POST)
    values = dict(rest.valid(PriceOfPage, which | dated | _rates_or_cards(request.POST)))
    name, day, scope, value, cards = map(values.pop, ("model", "valid_from", "scope", "scope_value", "cards"))

    def put(model):
        model.set_cards([RateCard(**card) for card in cards or [values]], day, scope=scope, scope_value=value)

    known = Model.objects.filter(name=name).first()
    effect = in_words(known and known.effect_of(put, spans(timezone.localdate())))
    if "preview" in request.POST:
        return effect
    model = Model.objects.get_or_create(name=name)[0]  # committed first: see Model.objects.set_price
    with transaction.atomic():
        change = _unseen(request, name, scope, value)
        put(model)
    return change.message(_("Price of %(model)s saved. %(effect)s") % {"model": name, "effect": effect}, name)


@changes("prices", form="edit_adjustment")
def adjustment(request):
    """Set or end a factor and a fee of a provider, an account or a client key, or take one away."""
    if "remove" in request.POST:
        return _removed(request.POST["remove"])
    posted = {"factor": 1, "valid_from": timezone.localdate().isoformat()}
    if "end" not in request.POST:
        names = ("factor", "request_price")
        posted = {name: as_number(request.POST[name]) for name in names if request.POST.get(name, "").strip()}
        posted |= {"note": request.POST.get("note", ""), "valid_from": request.POST.get("valid_from") or None}
    values = rest.valid(AdjustmentBody, _whose(request.POST, "value") | posted)
    changed = adjusting.entered(**values)
    effect = in_words(adjusting.effect_of(Adjustment.save, changed, spans(timezone.localdate())))
    if "preview" in request.POST:
        return effect
    place = changed.scope, changed.value
    change, whose = Undoable("factor", *place), names_of_places([place])[place]
    adjusting.put(changed)
    sentence = _("Factor and fee of %(whose)s saved. %(effect)s") % {"whose": whose, "effect": effect}
    return change.message(sentence, whose)


@changes("prices")
def choose(request):
    """Price a model by one of its candidates."""
    name, matched = request.POST.get("model", ""), request.POST.get("matched", "")
    model = Model.objects.filter(name=name).first()
    if model is None:
        raise serializers.ValidationError({"model": _("There is no such model.")})
    change = Undoable("choice", name)
    try:
        effect = in_words(model.effect_of(lambda each: each.choose(matched), spans(timezone.localdate())))
        if "preview" in request.POST:
            return _("%(model)s as %(entry)s: %(effect)s") % {"model": name, "entry": matched, "effect": effect}
        model.choose(matched)
    except ValidationError as refusal:
        raise serializers.ValidationError({"matched": refusal.messages}) from None
    return change.message(_("Price of %(model)s saved. %(effect)s") % {"model": name, "effect": effect}, name)


def _removed(pk):
    """Take the factor and the fee with this id away, and say whose."""
    found = next((each for each in Adjustment.objects.all() if str(each.pk) == pk), None)
    if found is None:
        return _("It was removed already.")
    place = found.scope, found.value
    effect = in_words(adjusting.effect_of(Adjustment.delete, found, spans(timezone.localdate())))
    change, whose = Undoable("factor", *place), names_of_places([place])[place]
    adjusting.drop(found)
    sentence = _("Factor and fee of %(whose)s removed. %(effect)s") % {"whose": whose, "effect": effect}
    return change.message(sentence, whose)


def _unseen(request, name, scope, value):
    """The change; refused where the price is no longer the one that its form showed. Others wait until it is made."""
    Revision.bump()
    change = Undoable("price", name, scope, value)
    if request.POST.get("stamp", change.stamp) != change.stamp:
        raise APIException(_("The price was changed meanwhile, so it is not saved: save again to replace it."))
    return change


def _refuse_blank(posted):
    """A form without a rate of input or output says nothing of what a model costs: 0 is to be said."""
    for name in ("prompt", "completion"):
        if not posted.get(name, "").strip():
            raise serializers.ValidationError({f"{name}{RATE_SUFFIX}": _("A number is needed.")})


def _price_list(filters, today, query):
    """The models asked for, and how many there are: first those that lack a price, then most tokens in the period.

    Unused ones come by name after them; of a flood only the most used count as used.
    """
    listed, models = prices_on(Revision.current_stamp(), today), Model.objects.filter(name__icontains=query.q)
    priced = {price.model: price for price in listed.items}
    names = set(models.order_by().values_list("name", flat=True))
    names |= set(query.among(priced, str))
    used = {row.key: row.figures for row in breakdown(filters, "model", MOST_USED).rows}
    found = [PricedModel(name, priced.get(name), used.get(name), _today(priced.get(name))) for name in names]
    found.sort(key=lambda row: (not row.missing, -(row.used.total_tokens if row.used else -1), row.model))
    shown = {row.model for row in query.of(found)}
    return rows_of(query.of(found), [price for price in listed.scoped if price.model in shown]), len(found)


def _today(price):
    """The price set for all usage that is in force today."""
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
