"""What usage tells pricing and aliases: settings.PRICE_HISTORY and settings.KEY_REQUESTS name what stands here."""

from usage.models import LabelDay, Series
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


def requests_by_key() -> dict[str, int]:
    """Requests ever counted, by fingerprint of the client key; a key that was never used is not in it."""
    return dict(LabelDay.objects.of_label("api_key").sums_of(("requests",), "label_value__value"))


def _series(model):
    return Series.objects.filter(model=model)
