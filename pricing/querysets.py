"""Reading and observing models."""

import logging
from collections.abc import Iterable
from datetime import date

from django.db import Error, models, transaction
from django.db.models import Exists, OuterRef, Q

from cpa_usage.queueing import queue_once

log = logging.getLogger(__name__)

CHUNK = 500  # names in one query
PRICE_MODELS = "pricing.tasks.price_models"


def queue_pricing():
    """Ask the task cluster to price new models now; a database that is away costs them minutes, no more."""
    try:
        queue_once(PRICE_MODELS)
    except Error as error:
        log.warning("New models are priced at the next look, every ten minutes: %s", str(error).strip().split("\n")[0])


class ModelQuerySet(models.QuerySet):
    """Models, priced or not."""

    def with_prices(self, today: date):
        """Adds `is_priced`, whether a price is in force on a local date, and reads all sets and cards along."""
        begun = Q(price_sets__valid_from=None) | Q(price_sets__valid_from__lte=today)
        admitted = Q(price_sets__origin="manual") | Q(price_sets__origin="catalogue", catalogue_blocked=False)
        priced = self.model.objects.filter(begun, admitted, pk=OuterRef("pk"))
        return self.annotate(is_priced=Exists(priced)).prefetch_related("price_sets__cards")

    def observe(self, names: Iterable[str]) -> dict[str, int]:
        """Ids of models by name; missing ones are created, also while another process creates them.

        Moves no revision: the writer calls this under its lock, and a new model has no price yet. The task cluster is
        asked for one as soon as the caller's transaction is committed; if that fails, the next periodic task finds it.
        """
        names, ids = sorted(set(names)), {}
        for i in range(0, len(names), CHUNK):
            chunk = names[i : i + CHUNK]
            known = self._ids_of(chunk)
            if missing := [name for name in chunk if name not in known]:
                self.bulk_create([self.model(name=name) for name in missing], ignore_conflicts=True)
                known.update(self._ids_of(missing))
                transaction.on_commit(queue_pricing, robust=True)
            ids.update(known)
        return ids

    def set_price(self, name: str, rates: dict, valid_from: date | None = None):
        """Price a model by name, observed or not; see Model.set_price.

        The row is committed first: the writer would wait for an uncommitted one, while it holds the lock that
        re-costing waits for.
        """
        self.get_or_create(name=name)[0].set_price(rates, valid_from)

    def clear_price(self, name: str):
        """Clear the price of a model by name; nothing happens when there is no such model."""
        for model in self.filter(name=name):
            model.clear_price()

    def _ids_of(self, names):
        return dict(self.filter(name__in=names).values_list("name", "id"))
