"""What usage tells pricing and aliases: settings.PRICE_HISTORY and settings.KEY_REQUESTS name what stands here."""

from collections import defaultdict

from django.db.models import Q

from catalog.models import Provider
from usage.ingest.costs import CHARGED_BY
from usage.models import LabelDay, Series
from usage.rollups import effects, recosting


class RecordedUsage:
    """Implements pricing.history.PriceHistory."""

    def recost(self, usage, book, before):
        """Re-cost every rollup of the usage, in the caller's transaction."""
        recosting.recost(_series(usage), book, before=before)

    def effect_of(self, usage, book, name=None):
        """What recost() would change, month by month: an Effect."""
        return effects.effect_of(_series(usage), book, name=name)

    def routes(self):
        """Routes of each model's series, with the base URLs that CPA names for its keys."""
        urls = dict(Provider.objects.exclude(base_url="").values_list("auth_index", "base_url"))
        found = defaultdict(dict)
        reached = Series.objects.order_by().values_list("model_id", "provider", "auth_index").distinct()
        for model_id, provider, auth_index in reached:
            found[model_id][provider, auth_index] = urls.get(auth_index, "")
        return found


def requests_by_key() -> dict[str, int]:
    """Requests ever counted, by fingerprint of the client key; one never used is not in it."""
    return dict(LabelDay.objects.of_label("api_key").sums_of(("requests",), "label_value__value"))


def _series(usage):
    """Series by fields of Charged, or those of a model: it was used, or another was, asked for by its name."""
    if isinstance(usage, dict):
        return Series.objects.filter(**{CHARGED_BY[name]: value for name, value in usage.items()})
    return Series.objects.filter(Q(model=usage) | Q(requested_model=usage.name))
