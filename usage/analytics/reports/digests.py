"""A week at a glance, for the wall of a team: against the week before, what was used most, what failed, what is new."""

from datetime import date, timedelta

from django.conf import settings
from msgspec import Struct

from usage.analytics.answers import PICO, Summary, summary_of
from usage.analytics.breakdowns import Breakdown, breakdown
from usage.analytics.failures import Reason, failures
from usage.analytics.overview import NOTHING, covered_days
from usage.analytics.reports.worth import cache_reads
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.names import names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.periods import ALWAYS, Period, day_number, day_start, rfc3339_utc
from usage.time.units import SECOND_US

WEEK = timedelta(days=7)
MOST, REASONS = 5, 3
RANKED = ("model", "api_key", "source")
BY_COST = ("cost", "requests")


class Digest(Struct, frozen=True, kw_only=True):
    """What a week from Monday on used. Nothing is compared that was not recorded whole."""

    monday: date
    figures: Summary
    before: Summary | None  # None where records do not reach back a week more, and in a week that is not over
    days: list[tuple[date, Summary]]
    tops: list[Breakdown]  # by the labels of RANKED; those with most cost
    reasons: list[Reason]  # the commonest
    cache_saved: float  # US dollars: what tokens read from a cache had cost more as uncached input
    busiest: tuple[str, int] | None  # the start of an hour, its attempts; None where no detail is kept
    new: dict[str, list[str]]  # models and keys first seen in this week; empty where records began in it


def week_of(monday: date) -> Period:
    """The seven local days from a Monday on."""
    return Period(*(day_start(day, settings.TIME_ZONE) * SECOND_US for day in (monday, monday + WEEK)))


@snapshot()
def digest(filters: UsageFilter, monday: date, now: int) -> Digest:
    """The week that begins on a Monday, as of `now` (µs)."""
    filters = filters.with_period(week_of(monday))
    reader, earliest = Reader.of(filters), covered_days(ALWAYS)
    days = [monday + timedelta(days=day) for day in range(7)]
    before, begun = monday - WEEK, earliest[0] if earliest else date.max
    read, uncached = cache_reads(reader)
    is_comparable = begun < before and filters.period.end <= now
    return Digest(
        monday=monday,
        figures=summary_of(reader.total()),
        before=summary_of(reader.within(week_of(before)).total()) if is_comparable else None,
        days=[(day, summary_of(reader.per_day().get(day_number(day), NOTHING))) for day in days],
        tops=[breakdown(filters, name, MOST, BY_COST[0], BY_COST) for name in RANKED],
        reasons=failures(filters, REASONS).reasons,
        cache_saved=(uncached - read) / PICO,
        busiest=_busiest(reader.kept()),
        new={name: _new(reader, LABELS[name]) for name in RANKED[:2]} if begun < monday else {},
    )


def _busiest(reader):
    hours = reader.per_hour(reader.filters.period.start, reader.filters.period.end)
    hour = max(hours, key=lambda hour: hours[hour][0], default=None)
    return hour and (rfc3339_utc(hour), hours[hour][0])


def _new(reader, label):
    """Names of the values in the period that did not occur before it, the dearest first."""
    sums = reader.some_by((label.column,), BY_COST)
    earlier = reader.within(Period(None, reader.filters.period.start)).values(label.column)[label.column]
    found = [value for (value,) in sorted(sums, key=sums.get, reverse=True) if value and value not in earlier]
    names = names_of(label, set(found))
    return [names[value][1] or names[value][0] for value in found]
