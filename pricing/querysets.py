"""The vocabulary of reading and observing models."""

from collections.abc import Iterable
from datetime import date

from django.db import models, transaction
from django.db.models.functions import Coalesce

from pricing import tasks

CHUNK = 500  # names in one query


class ModelQuerySet(models.QuerySet):
    """Models, priced or not."""

    def with_prices(self):
        """Models that have a set, with all their sets and cards, in three queries."""
        return self.filter(price_sets__isnull=False).distinct().prefetch_related("price_sets__cards")

    def counted(self, today: date):
        """With `requests`, `tokens` and `last_month` ever counted, whether it `is_priced` today, and all its prices."""
        from pricing.models import PriceSet

        begun = PriceSet.objects.filter(model=models.OuterRef("pk")).filter(
            models.Q(valid_from=None) | models.Q(valid_from__lte=today)
        )
        listed = models.Q(catalogue_blocked=False) & models.Exists(begun.filter(origin="catalogue"))
        counts = self.annotate(
            requests=Coalesce(models.Sum("series__months__requests"), 0, output_field=models.BigIntegerField()),
            tokens=Coalesce(models.Sum("series__months__total"), 0, output_field=models.BigIntegerField()),
            last_month=models.Max("series__months__bucket"),
            is_priced=models.Case(
                models.When(models.Exists(begun.filter(origin="manual")) | listed, then=True), default=False
            ),
        )
        return counts.select_related("catalogue").prefetch_related("price_sets__cards")

    def observe(self, names: Iterable[str]) -> dict[str, int]:
        """Ids of models by name; a missing one is created, whoever else creates it at the same time.

        Moves no counter: the writer calls this under its lock, and a new model has no price yet. The task cluster is
        asked for one as soon as the caller's transaction is committed; if that fails, the next periodic look finds it.
        """
        names, ids = sorted(set(names)), {}
        for i in range(0, len(names), CHUNK):
            chunk = names[i : i + CHUNK]
            known = self._ids_of(chunk)
            if missing := [name for name in chunk if name not in known]:
                self.bulk_create([self.model(name=name) for name in missing], ignore_conflicts=True)
                known.update(self._ids_of(missing))
                transaction.on_commit(tasks.queue_pricing, robust=True)
            ids.update(known)
        return ids

    def unasked(self, version: str):
        """Models that this version of the catalogue was not asked about."""
        return self.exclude(catalogue__version=version)

    def set_price(self, name: str, rates: dict, valid_from: date | None = None):
        """Price a model by name, observed or not; see Model.set_price.

        The row is committed first: while it is not, the writer, who holds the lock that re-costing waits for, would
        wait for it.
        """
        self.get_or_create(name=name)[0].set_price(rates, valid_from)

    def clear_price(self, name: str):
        """Clear the price of a model by name; nothing happens where there is none of that name."""
        for model in self.filter(name=name):
            model.clear_price()

    def _ids_of(self, names):
        return dict(self.filter(name__in=names).values_list("name", "id"))
