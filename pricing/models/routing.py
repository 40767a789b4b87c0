"""Which seller each route leads to, kept for the book: what it learns costs the usage over a route again."""

from collections.abc import Callable, Mapping

from pricing.history import Routes, price_history
from pricing.models.adjustments import Route
from pricing.models.repricing import repricing
from pricing.models.scopes import Scope
from pricing.models.sets import PriceSet


def take(routes: Mapping[int, Routes], seller_of: Callable[[str, str], str]) -> dict[tuple[str, str], str]:
    """Sellers by route, which `seller_of` finds by provider and base URL; the rows become these.

    `routes` are those of each model, by its id. Usage over a route that leads to another seller than before is costed
    again.
    """
    urls = {route: url for reached in routes.values() for route, url in reached.items()}
    sellers = {route: seller for route, url in urls.items() if (seller := seller_of(route[0], url))}
    known = {(row.provider, row.auth_index): row.seller for row in Route.objects.all()}
    moved = {route for route in urls if sellers.get(route, "") != known.get(route, "")}
    if moved:
        with repricing(lambda _, book: _recost(moved, book)):
            for provider, auth_index in moved:
                Route.objects.filter(provider=provider, auth_index=auth_index).delete()
            Route.objects.bulk_create(Route(None, *route, sellers[route]) for route in sorted(moved & sellers.keys()))
    return sellers


def _recost(routes, book):
    if PriceSet.objects.filter(scope=Scope.SELLER).exists():  # no other price depends on the route
        for provider, auth_index in sorted(routes):
            price_history().recost({"provider": provider, "auth_index": auth_index}, book, book)
