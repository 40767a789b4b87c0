"""What other prices would do to the costs of the past, without doing it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from django.conf import settings
from msgspec import Struct

from pricing.book import PriceBook, tells_apart
from pricing.rates import billed
from pricing.tokenclasses import CLASSES
from usage.ingest.costs import Costs
from usage.ingest.labelvalues import summed
from usage.models import COUNTED, Day, DrainState, Event
from usage.models.snapshots import snapshot
from usage.rollups.recosting import names_by_limits, with_labels
from usage.time.periods import date_of, local_day
from usage.time.units import SECOND_US


class Month(NamedTuple):
    """A local month's costs (pico-USD) and tokens without a price, before and after."""

    month: str
    cost_before: int = 0
    cost_after: int = 0
    unpriced_before: int = 0
    unpriced_after: int = 0

    @property
    def changes(self) -> bool:
        """Whether any month changes."""
        return (self.cost_before, self.unpriced_before) != (self.cost_after, self.unpriced_after)


class Effect(Struct):
    """The months in which something was used, oldest first.

    `unreached` are the first and last day whose requests keep the context size they are counted under, though a new
    threshold would tell some of them apart: their detail is no longer kept.
    """

    months: list[Month] = []
    unreached: tuple[date, date] | None = None

    @property
    def total(self) -> Month:
        """The sum of all months."""
        return Month("", *map(sum, zip(*(figures for _, *figures in self.months), strict=True)))

    def __add__(self, other: "Effect") -> "Effect":
        months = defaultdict(list)
        for name, *figures in (*self.months, *other.months):
            months[name].append(figures)
        spans = [span for span in (self.unreached, other.unreached) if span]
        unreached = (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None
        return Effect(_sorted(summed(months)), unreached)


def effect_of(series, book: PriceBook, since: int | None = None, recount: bool = False, name=None) -> Effect:
    """The effect of the prices of `book` on all these series ever counted, or on the local days from `since` on.

    Where no threshold changed, context sizes are taken as they were counted; `recount` takes them from events anyhow.
    `name` gives the name of a local day's month, or of whatever else `months` shall be; names are sorted.
    """
    now, found = PriceBook.load(), Effect()
    for model_id in series.order_by().values_list("model_id", flat=True).distinct():
        past = Past(series.filter(model_id=model_id), since, name=name)
        old, new = names_by_limits(past.series, now), names_by_limits(past.series, book)
        found += past.priced_by(book, recount or old != new)
        if not all(tells_apart(known, limits) for limits in new for known in old):
            found += Effect(unreached=past.without_detail())
    return found


class Past:
    """What the series of one model counted, from a local day on (None: all).

    `moved`: fields of Charged as the series have them that these, of any model, are to be merged into.
    """

    def __init__(self, series, since: int | None, moved: dict | None = None, name=None):
        kept = DrainState.load().events_from
        self.series, self.since, self.moved, self.name = series, since, moved or {}, name or _month
        self.days = Day.objects.filter(series__in=series.values("id")).between(since, None)
        self.detail_from = None if kept is None else local_day(kept // SECOND_US, settings.TIME_ZONE)

    @snapshot()  # what is stored between the two readings is no change of prices
    def priced_by(self, book, relabel) -> Effect:
        """Costs as they are, and as the book has them."""
        costs, months = Costs(book), defaultdict(lambda: [0, 0, 0, 0])
        costs.learn(self.series)
        for day, spent, unpriced in self.days.sums_of(("cost", "unpriced_tokens"), "bucket"):
            month = months[self.name(day)]
            month[0] += spent
            month[2] += unpriced
        groups = self._relabelled(book) if relabel else self._counted(self.days)
        for day, series, context_over, clock, requests, failed, total, *tokens in groups:
            if series not in costs.known:  # it was met since
                continue
            charged = costs.known[series]._replace(context_over=context_over, clock=clock, **self.moved)
            rates = book.rates(charged, day)
            if rates is None:
                months[self.name(day)][3] += total
            else:
                months[self.name(day)][1] += billed(rates, tokens, requests - failed)
        return Effect(_sorted(months))

    def without_detail(self) -> tuple[date, date] | None:
        """First and last local day counted whose events are no longer kept."""
        if self.detail_from is None:
            return None
        days = self.days.between(None, self.detail_from).order_by("bucket").values_list("bucket", flat=True)
        return (date_of(days.first()), date_of(days.last())) if days else None

    @staticmethod
    def _counted(days) -> Iterator[tuple]:
        """(local day, series, context size, hour, requests, failed, total, each class)."""
        by = ("bucket", "series_id", "series__context_over", "series__clock")
        return days.order_by().values_list(*by, "requests", "failed", "total", *CLASSES)

    def _relabelled(self, book) -> Iterator[tuple]:
        """As _counted, with the labels that kept events would have under other steps."""
        if self.detail_from is not None:
            yield from self._counted(self.days.between(None, self.detail_from))
        first = max((day for day in (self.detail_from, self.since) if day is not None), default=None)
        for limits, names in names_by_limits(self.series, book, self.moved).items():
            series = self.series.filter(requested_model__in=names)
            events = with_labels(Event.objects.filter(series__in=series.values("id")), *limits).by_quarter()
            for quarter, *row in events.measured("bucket", "series_id", "context", "hour"):
                day = local_day(quarter, settings.TIME_ZONE)
                if first is None or day >= first:
                    counted = dict(zip(COUNTED, row[3:], strict=True))
                    yield day, *row[:3], *(counted[name] for name in ("requests", "failed", "total", *CLASSES))


def _month(day) -> str:
    return date_of(day).isoformat()[:7]


def _sorted(months) -> list[Month]:
    return [Month(name, *figures) for name, figures in sorted(months.items())]
