"""The attempts with the highest cost, the most tokens or the longest latency, in that order.

Of an order only the beginning is listed: the database looks through the period once and keeps no more than that.
"""

from collections import defaultdict
from functools import reduce
from operator import add

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import BigIntegerField, Case, ExpressionWrapper, F, FloatField, Value, When
from django.utils.translation import gettext as _

from pricing.rates import rates_of_classes
from pricing.tokenclasses import CLASSES
from usage.ingest.costs import Costs
from usage.models import Day, Event, Series
from usage.query.filters import UsageFilter
from usage.query.partial import price_book
from usage.query.reader import Reader
from usage.query.snapshots import once
from usage.time.periods import local_day
from usage.time.units import SECOND_US

LISTED = 1_000  # attempts of an order
SEARCHED = 1_000_000  # attempts of a period: to look through more takes over a second
PRICED = 2_000  # attempts that the database thinks dear
GROUPS = 50  # series of the same rates that are kept apart; the others are taken to have the highest of theirs
COLUMNS = {"-tokens": "total", "-latency": "latency_ms"}


@once
def largest(reader: Reader, order: str) -> list[tuple[int, bytes]]:
    """(time in µs, fingerprint) of the first attempts in this order; of equal ones the newest comes first.

    ValidationError where the period has more than SEARCHED.
    """
    period = reader.filters.period
    number = sum(counts[0] for counts in Reader(UsageFilter(period), None).counts_per_day().values())
    if number > SEARCHED:
        sentence = _("This order takes at most %(most)s attempts, and the range has %(number)s: choose a shorter one.")
        raise ValidationError({"order": sentence % {"most": f"{SEARCHED:,}", "number": f"{number:,}"}})
    events = Event.objects.between(period.start, period.end).matching(reader.filters)
    if order == "-cost":
        return _dearest(events, reader.filters)[:LISTED]
    events = events.order_by(f"-{COLUMNS[order]}", "-timestamp", "-id")
    return list(events.values_list("timestamp", "fingerprint")[:LISTED])


def _dearest(events, filters):
    """As many of the attempts that cost most as are sure to be these."""
    costs = Costs(price_book())
    most = _most(_highest(costs, filters))
    events = events.alias(of=ExpressionWrapper(F("series_id") + 0, BigIntegerField())).annotate(most=most)
    names = ("timestamp", "id", "fingerprint", "series_id", "failed", "total", *CLASSES, "most")
    rows = list(events.order_by("-most", "-timestamp", "-id").values_list(*names)[:PRICED])
    found, zone, left_out = [], settings.TIME_ZONE, 0.0
    for at, id, fingerprint, series, failed, total, *tokens, left_out in rows:  # noqa: B007  the last is the least
        cost = costs.of(series, local_day(at // SECOND_US, zone), 1, int(failed), total, 0, *tokens).cost
        found.append((cost, at, id, fingerprint))
    found.sort(key=lambda row: row[:3], reverse=True)
    sure = 0 if len(rows) < PRICED else left_out  # nothing that was left out costs more
    return [(at, fingerprint) for cost, at, _id, fingerprint in found if cost >= sure]


def _highest(costs, filters):
    """{pico-USD for each of CLASSES and for a request: ids of the series that never cost more in the period}."""
    edges, zone = (filters.period.start, filters.period.end), settings.TIME_ZONE
    first, last = (None if edge is None else local_day(edge // SECOND_US, zone) for edge in edges)
    days = Day.objects.between(first, None if last is None else last + 1).matching(filters)
    costs.learn(Series.objects.matching(filters))
    highest, groups = {}, defaultdict(list)
    for day, series in days.values_list("bucket", "series_id"):
        if rates := costs.book.rates(costs.known[series], day):
            row = (*rates_of_classes(rates).values(), rates.request)
            highest[series] = tuple(map(max, highest.get(series, row), row))
    for series, row in highest.items():
        groups[row].append(series)
    return groups


def _most(groups):
    """What an attempt costs at most, as the database can tell it."""
    ranked = sorted(groups, key=lambda row: -len(groups[row]))
    cases = [When(of__among=groups[row], then=_billed(row)) for row in ranked[:GROUPS]]
    rest = [max(rates) for rates in zip(*ranked[GROUPS:], strict=True)]
    return Case(*cases, default=_billed(rest) if rest else Value(0.0), output_field=FloatField())


def _billed(rates):
    # Floats: a product of the columns' own type would overflow on PostgreSQL.
    *per_token, fee = map(float, rates)
    return reduce(add, (F(name) * Value(rate) for name, rate in zip(CLASSES, per_token, strict=True)), Value(fee))
