"""The equal period before a period, up to the same point."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.usage.made import DAY, HOUR, NOON, SECOND, record, stored
from usage.analytics.comparisons import PREVIOUS, WEEK, comparison, earlier
from usage.analytics.timelines import timeline
from usage.query.filters import UsageFilter
from usage.rollups.retention import move_events_from
from usage.time.periods import Period, local_day, resolve

SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"


def at(text, zone):
    return None if text is None else int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("zone", "period", "now", "before"),
    [
        # seven days, the last of them half over
        (SHANGHAI, ("2026-11-18", "2026-11-25"), "2026-11-24T12:07", ("2026-11-11", "2026-11-17T12:07")),
        # a week that is over
        (SHANGHAI, ("2026-11-01", "2026-11-08"), "2026-11-24T12:00", ("2026-10-25", "2026-11-01")),
        # the last 24 hours, open to the end
        (SHANGHAI, ("2026-11-23T12:00", None), "2026-11-24T12:00", ("2026-11-22T12:00", "2026-11-23T12:00")),
        # clocks went back on November 1: days stay days
        (NEW_YORK, ("2026-11-01", "2026-11-03"), "2026-11-02T10:00", ("2026-10-30", "2026-10-31T10:00")),
        # a week and a month as calendars have them, so far
        (SHANGHAI, ("2026-11-23", "2026-11-30"), "2026-11-24T12:07", ("2026-11-16", "2026-11-17T12:07")),
        (SHANGHAI, ("2026-11-01", "2026-12-01"), "2026-11-24T12:00", ("2026-10-01", "2026-10-24T12:00")),
        # a month that is over, after a shorter and a longer one, and the last day of one longer than that before
        (SHANGHAI, ("2026-03-01", "2026-04-01"), "2026-11-24T12:00", ("2026-02-01", "2026-03-01")),
        (SHANGHAI, ("2026-11-01", "2026-12-01"), "2026-12-02T12:00", ("2026-10-01", "2026-11-01")),
        # a few minutes of hours and of a day, as long as what they are compared with
        (SHANGHAI, ("2026-11-24T11:00", None), "2026-11-24T12:14", ("2026-11-24T09:45", "2026-11-24T10:59")),
        (SHANGHAI, ("2026-11-24", "2026-11-25"), "2026-11-24T00:14", ("2026-11-23", "2026-11-23T00:14")),
        (NEW_YORK, ("2026-10-01", "2026-11-01"), "2026-10-31T12:00", ("2026-09-01", "2026-10-01")),
        # nothing lies before everything, and nothing was yet of what is to come
        (SHANGHAI, (None, None), "2026-11-24T12:00", None),
        (SHANGHAI, ("2026-12-01", "2026-12-02"), "2026-11-24T12:00", None),
    ],
)
def test_earlier(zone, period, now, before):
    found = earlier(Period(*(at(text, zone) for text in period)), at(now, zone), zone)
    assert found == (before and Period(*(at(text, zone) for text in before)))


@pytest.mark.parametrize(
    ("period", "now", "before"),
    [
        (("2026-11-24", "2026-11-25"), "2026-11-24T12:07", ("2026-11-17", "2026-11-17T12:07")),
        (("2026-11-23T12:00", None), "2026-11-24T12:00", ("2026-11-16T12:00", "2026-11-17T12:00")),
        (("2026-10-26", "2026-11-25"), "2026-11-24T12:00", ("2026-09-21", "2026-10-20T12:00")),
    ],
)
def test_the_same_weekdays_of_whole_weeks_before(period, now, before):
    found = earlier(Period(*(at(text, SHANGHAI) for text in period)), at(now, SHANGHAI), SHANGHAI, WEEK)
    assert found == Period(*(at(text, SHANGHAI) for text in before))


@pytest.mark.django_db
@pytest.mark.parametrize(("first", "is_known"), [(2 * DAY, True), (2 * DAY - 12 * HOUR - 1, False), (DAY, False)])
def test_a_period_before_counts_if_all_of_it_lies_after_the_first_record(set_clock, first, is_known):
    set_clock(NOON)
    stored(record(NOON), record(NOON - DAY), record(NOON - first))
    today = UsageFilter(resolve("today", None, None, now=NOON, zone=SHANGHAI))
    found = comparison(today)
    assert (found.previous is not None) == (found.previous_speeds is not None) == is_known
    assert (timeline(today, "model", "requests", PREVIOUS).earlier.total is not None) == is_known


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("at_now", "name", "start", "end"),
    [
        (NOON + 15 * HOUR // 60 - 1, "1h", None, None),
        (NOON + 15 * HOUR // 60 - 1, "5h", None, None),
        (NOON + 7 * HOUR // 60, "today", None, None),
        (NOON, "custom", NOON - 2 * HOUR + 10, NOON - HOUR),
    ],
)
def test_of_steady_traffic_no_change_is_shown(set_clock, at_now, name, start, end):
    set_clock(at_now)
    minute = HOUR // 60
    stored(*(record(at_now - number * minute, latency_ms=number) for number in range(3 * 24 * 60)))
    period = UsageFilter(resolve(name, start, end, now=at_now, zone=SHANGHAI))
    found = comparison(period)
    assert found.current.total - found.previous.total in (0, 1)  # where the edge of a minute falls
    line = timeline(period, "model", "requests", PREVIOUS)
    assert line.earlier.total == found.previous.total
    assert len(line.earlier.values) == len(line.buckets)


@pytest.mark.django_db
def test_a_month_that_is_over_has_all_of_the_longer_month_before(set_clock):
    set_clock(at("2026-12-02T12:00", SHANGHAI))
    days = [f"2026-{month}T12:00" for month in ("09-30", "10-01", "10-31", "11-01", "11-30")]
    stored(*(record(at(day, SHANGHAI)) for day in days))
    november = UsageFilter(Period(at("2026-11-01", SHANGHAI), at("2026-12-01", SHANGHAI)))
    line = timeline(november, "model", "requests", PREVIOUS)
    assert comparison(november).previous.total == line.earlier.total == 2
    assert len(line.earlier.values) == len(line.buckets) == 30


@pytest.mark.django_db
def test_what_only_events_know_is_not_compared_with_days_before_the_kept_ones(set_clock):
    set_clock(NOON)
    stored(*(record(NOON - 1 - number * DAY, request_id="r") for number in range(10)))
    week = UsageFilter(resolve("3d", None, None, now=NOON, zone=SHANGHAI), request_id="r")
    assert comparison(week).previous.total == 3
    move_events_from(local_day((NOON - 4 * DAY) // SECOND, SHANGHAI))
    assert comparison(week).previous is None
    assert timeline(week, "model", "requests", PREVIOUS).earlier.total is None
    assert comparison(replace(week, request_id="")).previous.total == 3
    hours = UsageFilter(resolve("72h", None, None, now=NOON, zone=SHANGHAI))  # parts of days, which are gone before
    assert comparison(hours).previous is None


@pytest.mark.django_db
@pytest.mark.parametrize(("kept", "is_compared"), [(30, False), (31, True)])
def test_a_month_that_lasts_is_compared_where_the_last_day_of_the_one_before_is_kept(set_clock, kept, is_compared):
    set_clock(NOON)
    stored(*(record(NOON + HOUR - days * DAY, request_id=str(days)) for days in range(1, 60)))
    move_events_from(local_day((NOON - kept * DAY) // SECOND, SHANGHAI))
    month = UsageFilter(resolve("this_month", None, None, now=NOON, zone=SHANGHAI))
    chart = timeline(month, "model", "requests", PREVIOUS).earlier
    assert chart.values[:23] == [1] * 23
    previous = comparison(month).previous
    assert (previous and previous.total, chart.total) == ((23, 23) if is_compared else (None, None))
