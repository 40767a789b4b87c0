"""A period's tokens and cost by token class: what the uncached input cost, what the cache, what the output."""

from django.conf import settings
from django.db.models import Sum
from msgspec import Struct

from pricing.book import PriceBook
from usage.answers import PICO
from usage.filters import UsageFilter
from usage.models import MEASURES, Day, Quarter, Series
from usage.periods import local_day
from usage.totals import Parts, Reader, parts_of

CLASSES = ("uncached", "cache_read", "cache_write", "output", "reasoning", "unclassified")
RATES = ("prompt", "cache_read", "cache_write", "completion", "reasoning", "prompt")
_PLACES = [MEASURES.index(name) for name in CLASSES]


class TokenClass(Struct, frozen=True):
    """One class; the classes are disjoint. `cost` (US dollars) leaves out what has no price."""

    name: str
    tokens: int
    cost: float


def token_classes(asked: UsageFilter) -> list[TokenClass]:
    """Every class in the order of CLASSES; together they cost what the period costs."""
    tokens, pico = [0] * len(CLASSES), [0] * len(CLASSES)
    book = PriceBook.current()
    for day, (model, tier, context), counted in _counted(asked):
        rates = book.rates(model, day, tier, context)
        for place, count in enumerate(counted):
            tokens[place] += count
            if rates is not None:
                pico[place] += count * getattr(rates, RATES[place])
    return [TokenClass(*row) for row in zip(CLASSES, tokens, (cost / PICO for cost in pico), strict=True)]


def _counted(asked):
    """(local day, (model id, tier, context step), tokens of each class) of the period."""
    reader, zone = Reader.of(asked), settings.TIME_ZONE
    period = asked.period
    parts = parts_of(period.start, period.end, reader.events_from, zone)
    if asked.of_events:
        parts = Parts(slivers=[(period.start, period.end)])
    for span in parts.days:
        yield from _summed(Day.objects.between(*span).matching(asked))
    for span in parts.quarters:
        for bucket, label, counted in _summed(Quarter.objects.between(*span).matching(asked)):
            yield local_day(bucket, zone), label, counted
    rows = list(reader.slivers(parts.slivers))
    series = Series.objects.in_bulk({id for _, id, _ in rows}) if rows else {}
    for bucket, id, measures in rows:
        label = (series[id].model_id, series[id].tier, series[id].context_over)
        yield local_day(bucket, zone), label, [measures[place] for place in _PLACES]


def _summed(rows):
    labels = ("bucket", "series__model_id", "series__tier", "series__context_over")
    sums = {f"sum_{name}": Sum(name) for name in CLASSES}
    for bucket, model, tier, context, *counted in rows.values_list(*labels).annotate(**sums).order_by():
        yield bucket, (model, tier, context), [int(count) for count in counted]
