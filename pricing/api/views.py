"""Prices over HTTP: read what models cost, set one by hand, clear one."""

from django.utils import timezone
from rest_framework.decorators import api_view
from rest_framework.response import Response

from cpa_usage.http import lists, rest
from pricing.api import shapes
from pricing.api.serializers import ModelName, PriceBody, RatesBody, ScopedModel, ScopeFields
from pricing.models import Model, RateCard, Revision

ABOUT_SET = """One price for every tier and context size, by hand; absent numbers are 0, absent cache writes and
reasoning cost what the prompt and the completion do. With `cards` in place of the rates, each is for a tier, a context
size and perhaps hours of the UTC day. Without `valid_from` today's manual price is changed, or, where there is none,
made for all history; with it a price begins on that local day. With `scope` and `scope_value` the price is that of a
provider, an account or a client key, and comes before the one for all usage. Catalogue prices are kept and step
aside."""
ABOUT_CLEAR = """The model is unpriced until its price is set or the catalogue's is taken again; with `scope` and
`scope_value` only the price of that provider, account or client key goes. It is no error when there is nothing
to clear."""
SET = {"reply": shapes.PriceChanged, "methods": ["PUT"], "summary": "Set a model's price", "description": ABOUT_SET}
CLEAR = SET | {"methods": ["DELETE"], "summary": "Clear a model's price", "description": ABOUT_CLEAR}
NO_NAME = (400, 404)  # in the path: a name that cannot be one, and one that no address can hold


@rest.described(shapes.Prices, parameters=[lists.ListFields], methods=["GET"], summary="Models priced today")
@rest.described(**SET, body=PriceBody)
@rest.described(**CLEAR, parameters=[ScopedModel])
@api_view(["GET", "PUT", "DELETE"])
def pricing(request):
    """Prices of models: today's, and all dated ones."""
    if request.method == "PUT":
        return _set_price(**rest.body_of(request, PriceBody))
    if request.method == "DELETE":
        return _clear_price(**rest.valid(ScopedModel, {"model": "", **request.query_params.dict()}))
    stamp, today, query = Revision.current_stamp(), timezone.localdate(), lists.query_of(request)
    return rest.answer(request, ("pricing", stamp, str(today), query), lambda: shapes.prices(stamp, today, query))


@rest.described(**SET, body=RatesBody, errors=NO_NAME)
@rest.described(**CLEAR, parameters=[ScopeFields], errors=NO_NAME)
@api_view(["PUT", "DELETE"])
def price(request, model):
    """One model's price, its name in the path."""
    name = rest.valid(ModelName, {"model": model})["model"]
    if request.method == "PUT":
        return _set_price(name, **rest.body_of(request, RatesBody))
    return _clear_price(name, **rest.valid(ScopeFields, request.query_params.dict()))


def _set_price(model, valid_from, scope, scope_value, cards, **rates):
    cards = [RateCard(**card) for card in ([rates] if cards is None else cards)]
    Model.objects.set_cards(model, cards, valid_from, scope=scope, scope_value=scope_value)
    return Response(shapes.PriceChanged())


def _clear_price(model, **scope):
    Model.objects.clear_price(model, **scope)
    return Response(shapes.PriceChanged())
