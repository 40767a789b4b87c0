"""What the task cluster does for prices. Only there the price catalogue is loaded: it takes 25 MB."""

import logging
import math
import time
from importlib.metadata import version
from typing import NamedTuple

from django.db import Error
from django.utils import timezone

from cpa_usage.sqlite import wal

log = logging.getLogger(__name__)

PACKAGE = "genai-prices"
PRICE_MODELS = "pricing.tasks.price_models"
PRICING_SECONDS = 5  # of a task, and the model in hand; then others get their turn, and a cluster can stop


class Asked(NamedTuple):
    """How many models the catalogue was asked about, how many it has a price of, and how many it now corrects."""

    models: int = 0
    listed: int = 0
    corrected: int = 0


def price_models() -> Asked:
    """Ask the catalogue about models it was not asked about: new ones, and all of them after an upgrade.

    A first price costs history anew, which takes its time: those that a few seconds do not reach are queued.
    """
    from pricing.models import Model

    unasked = Model.objects.unasked(version(PACKAGE))
    asked = _ask(unasked, time.monotonic() + PRICING_SECONDS)
    if unasked.exists():
        queue_pricing()
    return asked


def update_prices() -> Asked:
    """Ask the catalogue about every model anew."""
    from pricing.models import Model

    return _ask(Model.objects.all())


def queue_pricing():
    """Ask the task cluster to price new models now; a database that is away costs them minutes, no more."""
    try:
        _queue_pricing()
    except Error as error:
        log.warning("New models are priced at the next look, every ten minutes: %s", str(error).strip().split("\n")[0])


def _queue_pricing():
    """One request that waits already will do."""
    from django_q.models import OrmQ
    from django_q.tasks import async_task

    waiting = OrmQ.objects.filter(lock__lte=timezone.now())
    if not any(queued.func() == PRICE_MODELS for queued in waiting):
        async_task(PRICE_MODELS, save=False)


def _ask(models, until: float = math.inf) -> Asked:
    """Each model a transaction of its own, so that the writer gets its turn in between; the first comes in any case."""
    asked, listed, corrected = 0, 0, 0
    for model in list(models.order_by("pk")):
        if asked and time.monotonic() > until:
            break
        from pricing.catalogue.package import look_up  # here, so that a look that finds nothing new costs nothing

        listing = look_up(model.name, model.routes())
        entry = model.hear_catalogue(listing, version(PACKAGE), timezone.localdate())
        wal.cut_back()  # the next one follows at once: nobody else finds the time
        asked, listed, corrected = asked + 1, listed + bool(listing.sets), corrected + entry.corrects
    if asked:
        log.info("The catalogue was asked about %d models: %d have a price there.", asked, listed)
    return Asked(asked, listed, corrected)
