"""What was used, as counters: the kept totals of all days, which stay when retention removes the requests."""

from collections.abc import Iterator
from operator import add

from django.conf import settings
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pricing.tokenclasses import CLASSES
from usage.analytics.answers import PICO
from usage.models import LabelDay
from usage.models.labels import LABELS, OTHER
from usage.query.names import names_of

WORDS = {"": "", "model": "model", "provider": "provider", "source": "account"}  # in names of metrics, by kept label
MEASURES = ("requests", "failed", "unpriced_requests", "cost", *CLASSES)
COUNTERS = {
    "requests": "Attempts at upstreams.",
    "failures": "Attempts that failed.",
    "unpriced_requests": "Successes of unknown cost.",
}


def usage_families() -> Iterator[Metric]:
    """Counters of everything, and of each model, provider and account. Two queries, whatever the number of events."""
    sums = {label: {} for label in WORDS}
    rows = LabelDay.objects.filter(label_value__label__in=WORDS)
    for _, label, value, *measures in sorted(
        rows.sums_of(MEASURES, "label_value_id", "label_value__label", "label_value__value")
    ):
        found = sums[label]
        # The first values keep their names: a value that came and went among the largest would make (other) go down.
        named = value if len(found) < settings.METRICS_MAX_VALUES or value in found else OTHER
        found[named] = list(map(add, found[named], measures)) if named in found else measures
    for label, word in WORDS.items():
        yield from _families(word, _shown(label, sums[label]))


def _shown(label, sums):
    """Measures by how people call a value; accounts may share a name."""
    if not label:
        return {(): sums.get("", [0] * len(MEASURES))}
    names, shown = names_of(LABELS[label], set(sums)), {}
    for value, measures in sums.items():
        name = (names[value][1] or names[value][0],)
        shown[name] = list(map(add, shown[name], measures)) if name in shown else measures
    return shown


def _families(word, rows):
    prefix, labels, of = (f"cpa_usage_{word}_", [word], f" By {word}.") if word else ("cpa_usage_", [], "")
    for place, (name, text) in enumerate(COUNTERS.items()):
        family = CounterMetricFamily(prefix + name, text + of, labels=labels)
        for values, measures in rows.items():
            family.add_metric(values, measures[place])
        yield family
    cost = GaugeMetricFamily(f"{prefix}cost_usd", f"List price; a corrected price corrects it.{of}", labels=labels)
    tokens = CounterMetricFamily(f"{prefix}tokens", f"Tokens; each is of one class.{of}", labels=[*labels, "class"])
    for values, (dollars, *classes) in ((values, measures[len(COUNTERS) :]) for values, measures in rows.items()):
        cost.add_metric(values, dollars / PICO)
        for name, count in zip(CLASSES, classes, strict=True):
            tokens.add_metric([*values, name], count)
    yield from (cost, tokens)
