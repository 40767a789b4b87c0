"""A period's tokens and cost by token class: what the uncached input cost, what the cache, what the output."""

from django.conf import settings
from msgspec import Struct

from pricing.book import PriceBook
from usage.analytics.answers import PICO
from usage.analytics.questions import covered
from usage.models import MEASURES, Day, Quarter
from usage.query.dimensions import labels_of
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.periods import local_day

CLASSES = ("uncached", "cache_read", "cache_write", "output", "reasoning", "unclassified")
RATES = ("prompt", "cache_read", "cache_write", "completion", "reasoning", "prompt")
_PLACES = slice(MEASURES.index(CLASSES[0]), MEASURES.index(CLASSES[-1]) + 1)


class TokenClass(Struct, frozen=True):
    """One class; the classes are disjoint. `cost` (US dollars) leaves out what has no price."""

    name: str
    tokens: int
    cost: float


@snapshot()
def token_classes(asked: UsageFilter) -> list[TokenClass]:
    """Every class in the order of CLASSES; together they cost what the period costs."""
    tokens, pico = [0] * len(CLASSES), [0] * len(CLASSES)
    for rates, counted in _counted(asked):
        for place, count in enumerate(counted):
            tokens[place] += count
            if rates is not None:
                pico[place] += count * getattr(rates, RATES[place])
    return [TokenClass(*row) for row in zip(CLASSES, tokens, (cost / PICO for cost in pico), strict=True)]


def _counted(asked):
    """(rates or None, tokens of each class) of the period: by series, or by day too where a price changes in it."""
    reader, labels, book, span = Reader.of(asked), labels_of(asked), PriceBook.current(), covered(asked.period)
    if span is None:
        return
    first, last = local_day(span[0], settings.TIME_ZONE), local_day(span[1] - 1, settings.TIME_ZONE)
    changing = {label.model_id for label in labels.values() if _changes(book, label.model_id, first, last)}
    for series, row in reader.per_series().items():
        label = labels[series]
        if label.model_id not in changing:
            yield book.rates(label.model_id, first, label.tier, label.context_over), row[_PLACES]
    for day, series, counted in _by_day(reader, changing, labels) if changing else ():
        label = labels[series]
        yield book.rates(label.model_id, day, label.tier, label.context_over), counted


def _changes(book, model, first, last):
    """Whether a model has more than one set of prices from the first to the last day."""
    spans = book.spans(model)
    return len(spans) > 1 and any(start is not None and first < start <= last for start, _ in spans)


def _by_day(reader, models, labels):
    """(local day, series id, tokens of each class) of what models used."""
    parts, zone = reader.parts(), settings.TIME_ZONE
    for rollup, spans in ((Day, parts.days), (Quarter, parts.quarters)):
        for span in spans:
            rows = rollup.objects.between(*span).matching(reader.asked).filter(series__model__in=models)
            for bucket, series, *counted in rows.values_list("bucket", "series_id", *CLASSES):
                yield bucket if rollup is Day else local_day(bucket, zone), series, counted
    for bucket, series, row in reader.daily_slivers(parts.slivers):
        if labels[series].model_id in models:
            yield local_day(bucket, zone), series, row[_PLACES]
