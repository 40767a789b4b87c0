"""Our side of a bill: the records of its days, by day and model, in the days of its time zone where they can tell."""

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings

from pricing.tokenclasses import CLASSES, INPUT_CLASSES
from usage.analytics.answers import PICO
from usage.models import Gap
from usage.query.filters import UsageFilter
from usage.query.plan import Range, Table
from usage.query.reader import Reader
from usage.query.sums import add_up
from usage.reconcile.bills import Amounts, Bill
from usage.reconcile.naming import identity
from usage.time.periods import Period, date_of, day_start, local_day
from usage.time.units import SECOND_US

NAMES = ("requests", "failed", *CLASSES, "without_tokens", "cost", "unpriced_tokens")
MODEL = "model__name"


class Recorded(NamedTuple):
    """What our records say; tokens are those that are billed, so they may differ from CPA's own total."""

    amounts: Amounts
    failed: int = 0
    without_tokens: int = 0  # successes
    unspecified: int = 0  # tokens written to cache for a time that is not known
    unpriced: int = 0  # tokens


class Records(NamedTuple):
    """Ours by (day number, model), by (None, model) for a bill without days.

    `local_before`: the day number before which only totals of local days are left, and were taken; None for none.
    """

    cells: dict[tuple[int | None, str], list[int]]
    local_before: int | None


def records(filters: UsageFilter, bill: Bill) -> Records:
    """The measures NAMES of the days of a bill, of the labels of the filter; its period does not count."""
    reader = Reader.of(filters).within(_period(bill.first, bill.last, bill.zone))
    if _has_our_days(bill):
        found, local_before = _by(bill, reader, reader.plan(), lambda row: row.day), None
    else:
        kept, since = reader.kept(), reader.events_from
        ranges = kept.plan_of_detail(kept.filters.period.start, kept.filters.period.end)
        local_before = None
        if kept is not reader:
            local_before = local_day(since // SECOND_US, settings.TIME_ZONE)
            ranges.append(Range(Table.DAY, bill.first, min(local_before, bill.last + 1)))
        found = _by(bill, reader, ranges, lambda row: _day_of(row, bill.zone))
    return Records(add_up(found), local_before)


def measured_by_quarter(filters: UsageFilter, bill: Bill, measure: str, models: set[str] | None):
    """{start of a quarter hour in seconds: tokens (`total`) or US dollars (`cost`)} of the bill's days and one around.

    Of models of these identities; None for all. None is returned where not all of the detail is kept.
    """
    reader = Reader.of(filters).within(_period(bill.first - 1, bill.last + 1, bill.zone))
    if reader.kept() is not reader:
        return None
    period, names = reader.filters.period, CLASSES if measure == "total" else ("cost",)
    found: Counter = Counter()
    for row in reader.rows(reader.plan_of_detail(period.start, period.end), (MODEL,), names):
        if models is None or identity(row.group[0]) in models:
            found[row.bucket] += sum(row.measures) / (1 if measure == "total" else PICO)
    return found


def gap_days(bill: Bill) -> set[int]:
    """The days of a bill on which records may have been lost."""
    period = _period(bill.first, bill.last, bill.zone)
    found = set()
    for start, end in Gap.objects.values_list("start", "end"):
        if start.timestamp() * SECOND_US < period.end and end.timestamp() * SECOND_US > period.start:
            first, last = (local_day(int(moment.timestamp()), bill.zone) for moment in (start, end))
            found |= set(range(max(first, bill.first), min(last, bill.last) + 1))
    return found


def recorded(measures: list[int]) -> Recorded:
    """From measures in the order of NAMES."""
    named = dict(zip(NAMES, measures, strict=True))
    read, hour = named["cache_read"], named["cache_write_1h"]
    unknown = not named["cost"] and named["unpriced_tokens"]
    return Recorded(
        Amounts(
            requests=named["requests"],
            input=sum(named[name] for name in INPUT_CLASSES) + named["unclassified"],
            cache_read=read,
            cache_write=named["cache_write"] + named["cache_write_unspecified"],
            cache_write_1h=hour,
            output=named["output"] + named["reasoning"],
            total=sum(named[name] for name in CLASSES),
            cost=None if unknown else Decimal(named["cost"]) / PICO,
        ),
        failed=named["failed"],
        without_tokens=named["without_tokens"],
        unspecified=named["cache_write_unspecified"],
        unpriced=named["unpriced_tokens"],
    )


def _period(first, last, zone):
    return Period(*(day_start(date_of(day), zone) * SECOND_US for day in (first, last + 1)))


def _has_our_days(bill):
    """Whether the days of the bill begin when ours do."""
    days = map(date_of, range(bill.first, bill.last + 2))
    return all(day_start(day, bill.zone) == day_start(day, settings.TIME_ZONE) for day in days)


def _by(bill, reader, ranges, day_of):
    for row in reader.rows(ranges, (MODEL,), NAMES):
        yield (day_of(row) if bill.by_day else None, row.group[0]), row.measures


def _day_of(row, zone):
    return row.bucket if row.table is Table.DAY else local_day(row.bucket, zone)
