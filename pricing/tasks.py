"""What the task cluster does for prices. Only there the price catalogue is loaded: it takes 25 MB."""

import logging
import math
import time
from importlib.metadata import version
from typing import NamedTuple

from django.utils import timezone

from cpa_usage.sqlite import wal
from pricing.history import price_history
from pricing.models.model import Model, queue_pricing

log = logging.getLogger(__name__)

PACKAGE = "genai-prices"
PRICING_SECONDS = 5  # of a task; it stops after the model at hand, so that other tasks run and a cluster can stop


class LookedUp(NamedTuple):
    """Models looked up in the catalogue, how many of them it has a price of, and how many it now corrects."""

    models: int = 0
    listed: int = 0
    corrected: int = 0


def price_models() -> LookedUp:
    """Look up the models that this version of the catalogue was not asked about: new ones; after an upgrade, all.

    A first price re-costs history, which takes time: models that a few seconds do not reach are queued.
    """
    outdated = Model.objects.exclude(catalogue__version=version(PACKAGE))
    done = _look_up(outdated, time.monotonic() + PRICING_SECONDS)
    if outdated.exists():
        queue_pricing()
    return done


def update_prices() -> LookedUp:
    """Look up every model."""
    return _look_up(Model.objects.all())


def _look_up(models, until: float = math.inf) -> LookedUp:
    """One transaction a model, so that the writer can work in between; the first model is done in any case."""
    done = LookedUp()
    for model in list(models.order_by("pk")):
        if done.models and time.monotonic() > until:
            break
        from pricing.catalogue.package import look_up  # here, so that a task that finds nothing new costs nothing

        listing = look_up(model.name, price_history().providers(model))
        entry = model.follow_catalogue(listing, version(PACKAGE), timezone.localdate())
        wal.cut_back()  # the next model follows at once, and no other process would find the time
        done = LookedUp(done.models + 1, done.listed + bool(listing.sets), done.corrected + entry.corrects)
    if done.models:
        log.info("The catalogue was asked about %d models: %d have a price there.", done.models, done.listed)
    return done
