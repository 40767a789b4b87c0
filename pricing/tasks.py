"""What the task cluster does for prices. Only there a price catalogue is loaded: it takes 25 MB."""

import hashlib
import logging
import math
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from cpa_usage.sqlite import wal
from pricing.history import price_history
from pricing.models import CatalogueEntry, Model, PublishedCatalogue, routing
from pricing.queueing import queue_pricing

log = logging.getLogger(__name__)

PACKAGE = "genai-prices"
PRICING_SECONDS = 5  # of a task; it stops after the model at hand, so that other tasks run and a cluster can stop


class LookedUp(NamedTuple):
    """Models looked up in the catalogue, how many of them it has a price of, and how many it now corrects."""

    models: int = 0
    listed: int = 0
    corrected: int = 0


def price_models() -> LookedUp:
    """Look up the models that are new, that were reached over other routes, or that this catalogue was not asked about.

    A first price re-costs history, which takes time: models that a few seconds do not reach are queued.
    """
    done, more = _look_up(_outdated, time.monotonic() + PRICING_SECONDS)
    if more:
        queue_pricing()
    return done


def update_prices() -> LookedUp:
    """Fetch the catalogue where that is wanted, and look up every model."""
    fetch_catalogue()
    return _look_up(lambda *_: True)[0]


def fetch_catalogue():
    """Keep the catalogue at PRICES_URL if it is another one and well; a failure is kept, and the last one stays."""
    kept = PublishedCatalogue.load()
    if not settings.PRICES_URL:
        return
    from pricing.catalogue import published

    package = version(PACKAGE)
    same = (kept.url, kept.package) == (settings.PRICES_URL, package)
    try:
        found = published.fetch(settings.PRICES_URL, kept.etag if same and kept.fetched_at else "")
        if found is None:
            kept.heard(timezone.now())
        else:
            published.read(found.body)
            kept.keep(settings.PRICES_URL, package, *found)
    except published.Useless as problem:
        log.warning("The price catalogue stays as it is. %s", problem)
        kept.failed(str(problem))


def catalogue_version() -> str:
    """The name of the catalogue that models are looked up in: a published one, else the installed package's version."""
    kept = PublishedCatalogue.load()
    return kept.version if _serves(kept) else version(PACKAGE)


def _serves(kept):
    """A newer package knows more than what an older one fetched."""
    return bool(settings.PRICES_URL and kept.fetched_at and kept.package == version(PACKAGE))


def _catalogue():
    """The catalogue's providers."""
    from pricing.catalogue import published

    kept = PublishedCatalogue.load()
    return published.parsed(kept.body) if _serves(kept) else published.packaged


def _outdated(entry, *asked_about) -> bool:
    return entry is None or (entry.version, entry.routes) != asked_about


def _look_up(wanted, until: float = math.inf) -> tuple[LookedUp, bool]:
    """Look up models and say whether some were left for later; the first is done in any case.

    One transaction a model, so that the writer can work in between.
    """
    version, routes, done = catalogue_version(), price_history().routes(), LookedUp()
    asked = ((model, routes.get(model.pk, {})) for model in Model.objects.select_related("catalogue").order_by("pk"))
    models = [(m, reached) for m, reached in asked if wanted(getattr(m, "catalogue", None), version, _digest(reached))]
    if not models:
        return done, False
    from pricing.catalogue.matching import seller_of
    from pricing.catalogue.package import look_up  # here, so that a task that finds nothing new costs nothing

    catalogue = _catalogue()
    sellers = routing.take(routes, lambda *route: seller_of(*route, catalogue))
    for model, reached in models:
        if done.models and time.monotonic() > until:
            break
        # As of now: the models before it may have taken minutes, in which a person chose.
        chosen = CatalogueEntry.objects.filter(model=model).values_list("chosen", flat=True).first() or ""
        listing = look_up(model.name, {sellers.get(route, "") for route in reached}, model.followed, chosen, catalogue)
        entry = model.follow_catalogue(listing, version, timezone.localdate(), _digest(reached), chosen)
        wal.cut_back()  # the next model follows at once, and no other process would find the time
        done = LookedUp(done.models + 1, done.listed + bool(listing.sets), done.corrected + entry.corrects)
    log.info("The catalogue was asked about %d models: %d have a price there.", done.models, done.listed)
    return done, done.models < len(models)


def _digest(routes: Mapping) -> str:
    """Tells these routes from any others; '' of none."""
    return hashlib.blake2b(repr(sorted(routes.items())).encode(), digest_size=16).hexdigest() if routes else ""
