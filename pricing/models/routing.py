"""Which seller each route leads to, kept for the book: what it learns costs the usage over a route again."""

from collections.abc import Callable, Mapping

from pricing.history import Routes, price_history
from pricing.models.adjustments import Route
from pricing.models.model import Model
from pricing.models.repricing import repricing
from pricing.models.scopes import Scope


def take(routes: Mapping[int, Routes], seller_of: Callable[[str, str], str]) -> dict[tuple[str, str], str]:
    """Sellers by route, which `seller_of` finds by provider and base URL; the rows become these.

    `routes` are those of each model, by its id. Models that sellers price apart are costed again where one of their
    routes leads to another seller than before.
    """
    urls = {route: url for reached in routes.values() for route, url in reached.items()}
    sellers = {route: seller for route, url in urls.items() if (seller := seller_of(route[0], url))}
    known = {(row.provider, row.auth_index): row.seller for row in Route.objects.all()}
    moved = {route for route in urls if sellers.get(route, "") != known.get(route, "")}
    if moved:
        concerned = [id for id, reached in routes.items() if moved & reached.keys()]
        priced = Model.objects.filter(pk__in=concerned, price_sets__scope=Scope.SELLER).distinct()
        with repricing(lambda _, book: _recost(priced, book)):
            for provider, auth_index in moved:
                _write(provider, auth_index, sellers.get((provider, auth_index), ""))
    return sellers


def _write(provider, auth_index, seller):
    if seller:
        fields = {"provider": provider, "auth_index": auth_index, "defaults": {"seller": seller}}
        Route.objects.update_or_create(**fields)
    else:
        Route.objects.filter(provider=provider, auth_index=auth_index).delete()


def _recost(models, book):
    for model in models:
        price_history().recost(model, book, book)
