"""A statement of a period: what was used, by day and by model, and the list prices behind it."""

from datetime import date, timedelta
from math import prod
from operator import attrgetter
from typing import Annotated

from django.conf import settings
from msgspec import Meta, Struct

from pricing.book import Charged
from pricing.rates import usd, usd_per_million
from usage.analytics.overview import covered_days
from usage.analytics.reports.parts import Report, report
from usage.ingest.costs import CHARGED_BY
from usage.models.labels import filtering
from usage.query.filters import UsageFilter
from usage.query.names import names_of
from usage.query.partial import price_book
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.periods import month_after

IN_ORDER = attrgetter("model", "tier", "context_over", "hours", "valid_from", "factor")


class ListPrice(Struct, frozen=True, kw_only=True):
    """A price that something was counted at, before accounts, providers and keys change it."""

    model: str
    tier: Annotated[str, Meta(description="flex, priority, batch, fast, or empty for the standard tier.")]
    context_over: Annotated[int, Meta(description="For inputs larger than this.")]
    hours: Annotated[str, Meta(description="The hours (UTC) it is for, such as 01:00-04:00; empty: all.")]
    valid_from: Annotated[str, Meta(description="Local date it began on; empty: always.")]
    factor: Annotated[float, Meta(description="What its rates were multiplied with.")]
    rates: Annotated[dict[str, float], Meta(description="USD per million tokens; `request`: for each success.")]


class Statement(Struct, frozen=True, kw_only=True):
    """What a period used."""

    first: Annotated[date | None, Meta(description="The first local day; null where nothing was ever counted.")]
    last: date | None
    zone: str
    about: Annotated[dict[str, list[str]], Meta(description="Names of the label values it is restricted to.")]
    days: Report
    models: Report
    prices: list[ListPrice]

    @property
    def span(self) -> str:
        """`2026-10` for a whole month, else its first and last day; empty where nothing was ever counted."""
        if not self.first:
            return ""
        is_month = self.first.day == 1 and self.last + timedelta(days=1) == month_after(self.first)
        return f"{self.first:%Y-%m}" if is_month else f"{self.first} – {self.last}"


@snapshot()
def statement(filters: UsageFilter) -> Statement:
    """Totals, days and models of the period, and the list prices that were used."""
    first, last = covered_days(filters.period) or (None, None)
    models = report(filters, by="model")
    listed = {row.key for part in models.parts for row in part.breakdown.rows}
    return Statement(
        first=first,
        last=last,
        zone=settings.TIME_ZONE,
        about={name: _shown(filtering()[name], values) for name, values in filters.labels},
        days=report(filters, "day"),
        models=models,
        prices=sorted(_prices(Reader.of(filters), listed), key=IN_ORDER),
    )


def _shown(label, values):
    return [label.text(shown) for _, shown in names_of(label, set(values)).values()]


def _prices(reader, models):
    """Each price that something of these models was counted at."""
    book, found = price_book(), {}
    for row in reader.rows(reader.plan(), ("model__name", *CHARGED_BY.values()), ("requests", "failed")):
        price = book.found(Charged(*row.group[1:]), row.day) if row.group[0] in models else None
        if price and row.measures[0]:
            found[row.group[0], price.card.pk, price.adjustments] = price
    return [_listed(model, price) for (model, *_), price in found.items()]


def _listed(model, price):
    rates = price.card.rates
    return ListPrice(
        model=model,
        valid_from=str(price.price_set.valid_from or ""),
        factor=prod(float(each.factor) for each in price.adjustments),
        rates={name: usd_per_million(rate) for name, rate in rates._asdict().items()} | {"request": usd(rates.request)},
        **{name: getattr(price.card, name) for name in ("tier", "context_over", "hours")},
    )
