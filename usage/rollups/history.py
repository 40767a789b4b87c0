"""What usage tells pricing and aliases: settings.PRICE_HISTORY and settings.KEY_REQUESTS name what stands here."""

from collections import defaultdict

from django.db.models import Q

from catalog.models import Provider
from usage.models import LabelDay, LabelValue, Series
from usage.rollups import effects, recosting

SCOPES = {"provider": "provider", "account": "source", "api_key": "api_key__fingerprint"}  # as columns of Series


class RecordedUsage:
    """Implements pricing.history.PriceHistory."""

    def recost(self, model, book, before):
        """Re-cost every rollup of the model, in the caller's transaction."""
        recosting.recost(series_of(model), book, before=before)

    def effect_of(self, model, book):
        """What recost() would change, month by month: an Effect."""
        return effects.effect_of(series_of(model), book)

    def routes(self):
        """Routes of each model's series, with the base URLs that CPA names for its keys."""
        urls = dict(Provider.objects.exclude(base_url="").values_list("auth_index", "base_url"))
        found = defaultdict(dict)
        reached = Series.objects.order_by().values_list("model_id", "provider", "auth_index").distinct()
        for model_id, provider, auth_index in reached:
            found[model_id][provider, auth_index] = urls.get(auth_index, "")
        return found

    def recost_scope(self, scope, value, book):
        """Re-cost every rollup of a provider, an account or a client key, in the caller's transaction."""
        recosting.recost(_series_in(scope, value), book, before=book)

    def recost_route(self, provider, auth_index, book):
        """Re-cost every rollup of an account at a provider, in the caller's transaction."""
        recosting.recost(Series.objects.filter(provider=provider, auth_index=auth_index), book, before=book)

    def effect_in_scope(self, scope, value, book):
        """What recost_scope() would change, month by month: an Effect."""
        return effects.effect_of(_series_in(scope, value), book)


def requests_by_key(keys: list[str] | None = None) -> dict[str, int]:
    """Requests ever counted, by fingerprint of the client key, of some keys or all; one never used is not in it."""
    return dict(LabelDay.objects.of_label("api_key", keys).sums_of(("requests",), "label_value__value"))


def busiest_keys(offset: int, limit: int) -> tuple[list[str], int]:
    """So many fingerprints of client keys after the first ones, most requests ever first, and how many were used."""
    used = LabelValue.objects.filter(label="api_key").exclude(value="")
    days = LabelDay.objects.filter(label_value__in=used.values("id")).largest("requests", "label_value_id")
    ids = [id for id, *_ in days[offset : offset + limit]]
    values = dict(used.filter(id__in=ids).values_list("id", "value"))
    return [values[id] for id in ids], used.count()


def series_of(model):
    """Series that the prices of a model concern: it was used, or another model was, asked for by its name."""
    return Series.objects.filter(Q(model=model) | Q(requested_model=model.name))


def _series_in(scope, value):
    return Series.objects.filter(**{SCOPES[scope]: value})
