"""Our side of a bill: the records of its days, by day and model, in the days of its time zone where they can tell."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from django.conf import settings

from pricing.tokenclasses import CLASSES, INPUT_CLASSES
from usage.analytics.answers import PICO
from usage.models import Gap
from usage.query.filters import UsageFilter, conditions
from usage.query.plan import Range, Table
from usage.query.reader import Reader
from usage.reconcile.bills import Amounts, Bill
from usage.time.periods import ALWAYS, Period, date_of, day_start, local_day
from usage.time.units import SECOND_US

NAMES = ("requests", *CLASSES, "cost", "unpriced_tokens")


def filter_of(provider: str, account: str) -> UsageFilter:
    """All records of a provider and an account (its e-mail, name or key); "" is any."""
    given = {"provider": provider, "source": account}
    return UsageFilter(ALWAYS, conditions({name: [text] for name, text in given.items() if text}))


def records(filters: UsageFilter, bill: Bill) -> tuple[dict[tuple[int, str], Amounts], int | None]:
    """What was recorded on the days of a bill, by (day number, model); tokens are those that are billed.

    Also the day number before which only totals of local days are kept, and were taken; None for none.
    """
    reader, local_before = Reader.of(filters).within(_period(bill)), None
    kept = reader.kept()
    ranges = kept.plan_of_detail(kept.filters.period.start, kept.filters.period.end)
    if kept is not reader:
        local_before = min(local_day(reader.events_from // SECOND_US, settings.TIME_ZONE), bill.days.stop)
        ranges.append(Range(Table.DAY, bill.days.start, local_before))
    found: dict = defaultdict(Amounts)
    for row in reader.rows(ranges, ("model__name",), NAMES):
        day = row.bucket if row.table is Table.DAY else local_day(row.bucket, bill.zone)
        found[day, row.group[0]] += _amounts(dict(zip(NAMES, row.measures, strict=True)))
    return found, local_before


def gap_days(bill: Bill) -> set[date]:
    """The days of a bill on which records may have been lost: also by gaps that a person has dismissed."""
    gaps = Gap.objects.exclude(lost=0).values_list("start", "end")
    spans = [[local_day(int(moment.timestamp()), bill.zone) for moment in gap] for gap in gaps]
    return {date_of(day) for day in bill.days if any(first <= day <= last for first, last in spans)}


def _amounts(sums):
    unknown = not sums["cost"] and sums["unpriced_tokens"]
    return Amounts(
        requests=sums["requests"],
        input=sum(sums[name] for name in INPUT_CLASSES) + sums["unclassified"],
        cache_read=sums["cache_read"],
        cache_write_1h=sums["cache_write_1h"],
        output=sums["output"] + sums["reasoning"],
        total=sum(sums[name] for name in CLASSES),
        cost=None if unknown else Decimal(sums["cost"]) / PICO,
        cache_write_unspecified=sums["cache_write_unspecified"],
        unpriced=sums["unpriced_tokens"],
    )


def _period(bill):
    return Period(*(day_start(date_of(day), bill.zone) * SECOND_US for day in (bill.days.start, bill.days.stop)))
