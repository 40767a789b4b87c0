"""What usage tells pricing and aliases: settings.PRICE_HISTORY and settings.KEY_REQUESTS name what stands here."""

from django.db.models import Sum

from usage.models import Series
from usage.rollups import effects, recosting


class RecordedUsage:
    """Implements pricing.history.PriceHistory."""

    def recost(self, model, book, relabel):
        """Re-cost every rollup of the model, in the caller's transaction."""
        recosting.recost(_series(model), book, relabels=relabel)

    def effect_of(self, model, book):
        """What recost() would change, month by month: an Effect."""
        return effects.effect_of(_series(model), book)

    def providers(self, model):
        """Providers of the model's series."""
        return set(_series(model).order_by().values_list("provider", flat=True).distinct())


def requests_by_key() -> dict[int, int]:
    """Requests ever counted, by id of the client key; a key that was never used is not in it."""
    counted = Series.objects.order_by().values_list("api_key").annotate(sum_requests=Sum("months__requests", default=0))
    return {key_id: int(requests) for key_id, requests in counted}  # PostgreSQL sums to numeric


def _series(model):
    return Series.objects.filter(model=model)
