"""Local days, buckets and named ranges."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usage.time.periods import (
    CALENDAR_RANGES,
    RANGE_NAMES,
    BadRange,
    Period,
    date_of,
    day_number,
    day_start,
    days,
    five_minute_rows,
    hours,
    is_range,
    local_date,
    local_day,
    quarters,
    resolve,
    whole_days,
)
from usage.time.units import HOUR_S, QUARTER_S

SHANGHAI, NEW_YORK, LORD_HOWE = "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"
SAO_PAULO, APIA, ST_JOHNS = "America/Sao_Paulo", "Pacific/Apia", "America/St_Johns"
ZONES = [SHANGHAI, NEW_YORK, LORD_HOWE, SAO_PAULO, APIA, ST_JOHNS, "UTC", "Asia/Kathmandu"]

zones = st.sampled_from(ZONES)
seconds = st.integers(0, 4_102_444_800)  # 1970 to 2100
dates = st.dates(date(1970, 1, 3), date(2099, 12, 30))
anything = settings(deadline=None, max_examples=200)


def utc(text):
    """Seconds of an ISO time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def us(text):
    return utc(text) * 1_000_000


@pytest.mark.parametrize(
    ("day", "zone", "start"),
    [
        ("2026-11-11", SHANGHAI, "2026-11-10T16:00:00"),
        ("2026-11-11", "UTC", "2026-11-11T00:00:00"),
        ("2026-11-11", "Asia/Kathmandu", "2026-11-10T18:15:00"),
        ("2026-03-08", NEW_YORK, "2026-03-08T05:00:00"),
        ("2026-03-09", NEW_YORK, "2026-03-09T04:00:00"),
        ("2017-10-15", SAO_PAULO, "2017-10-15T03:00:00"),  # 00:00 was skipped: the day began at 01:00
        ("2018-02-18", SAO_PAULO, "2018-02-18T03:00:00"),  # 23:00 to 24:00 of the 17th came twice
        ("2011-12-29", APIA, "2011-12-29T10:00:00"),
        ("2011-12-30", APIA, "2011-12-30T10:00:00"),  # never was
        ("2011-12-31", APIA, "2011-12-30T10:00:00"),
        ("2010-11-07", ST_JOHNS, "2010-11-07T02:30:00"),  # 00:01 went back to 23:01
        ("2010-11-08", ST_JOHNS, "2010-11-08T03:30:00"),
    ],
)
def test_day_start(day, zone, start):
    assert day_start(date.fromisoformat(day), zone) == utc(start)


def test_a_day_whose_midnight_lies_inside_a_gap_begins_where_the_gap_ends():
    """Toronto went from 23:30 to 00:30 in the night to 1919-03-31."""
    assert day_start(date(1919, 3, 31), "America/Toronto") == utc("1919-03-31T04:30:00")


@anything
@given(zones, dates)
def test_the_first_instant_shows_the_date_and_the_second_before_does_not(zone, day):
    start, tz = day_start(day, zone), ZoneInfo(zone)
    shown = datetime.fromtimestamp(start, tz).date()
    assert shown == (date(2011, 12, 31) if (zone, day) == (APIA, date(2011, 12, 30)) else day)
    assert datetime.fromtimestamp(start - 1, tz).date() < day


@anything
@given(zones, dates)
def test_days_tile_the_time_line(zone, day):
    number = day_number(day)
    start, end = day_start(day, zone), day_start(date_of(number + 1), zone)
    if start == end:
        assert (zone, day) == (APIA, date(2011, 12, 30))
    else:
        assert [local_day(second, zone) for second in (start, end - 1)] == [number, number]
        assert local_day(start - 1, zone) < number < local_day(end, zone)


@anything
@given(zones, seconds)
def test_every_second_is_in_the_one_day_it_belongs_to(zone, second):
    number = local_day(second, zone)
    assert day_start(date_of(number), zone) <= second < day_start(date_of(number + 1), zone)
    assert local_date(second, zone) == date_of(number)


@anything
@given(st.sampled_from([zone for zone in ZONES if zone != ST_JOHNS]), seconds)
def test_a_day_is_the_date_clocks_show(zone, second):
    assert local_date(second, zone) == datetime.fromtimestamp(second, ZoneInfo(zone)).date()


def test_clocks_put_back_over_midnight_do_not_bring_the_old_day_back():
    before, after = utc("2010-11-07T02:30:00"), utc("2010-11-07T02:31:00")
    assert datetime.fromtimestamp(after, ZoneInfo(ST_JOHNS)).isoformat() == "2010-11-06T23:01:00-03:30"
    assert [local_date(second, ST_JOHNS).day for second in (before - 1, before, after)] == [6, 7, 7]


def test_a_day_may_begin_inside_a_quarter_hour_where_offsets_were_odd():
    """Monrovia was 44:30 behind UTC until 1972."""
    start = utc("1971-06-01T00:44:30")
    assert [local_date(second, "Africa/Monrovia").day for second in (start - 1, start)] == [31, 1]


@given(st.dates())
def test_day_numbers_and_dates_are_inverse(day):
    assert date_of(day_number(day)) == day


def test_day_numbers_count_from_1970():
    assert (day_number(date(1970, 1, 1)), day_number(date(1969, 12, 31))) == (0, -1)
    assert day_number(date(2026, 11, 11)) == 20768


@pytest.mark.parametrize(
    ("day", "zone", "count"),
    [
        ("2026-11-11", SHANGHAI, 96),
        ("2026-03-08", NEW_YORK, 92),
        ("2026-11-01", NEW_YORK, 100),
        ("2026-10-04", LORD_HOWE, 94),
        ("2026-04-05", LORD_HOWE, 98),
        ("2017-10-15", SAO_PAULO, 92),
        ("2018-02-17", SAO_PAULO, 100),
        ("2011-12-30", APIA, 0),
    ],
)
def test_quarters_of_a_day(day, zone, count):
    day = date.fromisoformat(day)
    start, end = day_start(day, zone), day_start(day + timedelta(1), zone)
    assert len(quarters(start, end)) == count


@pytest.mark.parametrize(
    ("day", "zone", "lengths"),
    [
        ("2026-11-11", SHANGHAI, [48] * 6),
        ("2026-03-08", NEW_YORK, [48] * 5 + [36]),
        ("2026-11-01", NEW_YORK, [48] * 6 + [12]),
        ("2026-10-04", LORD_HOWE, [48] * 5 + [42]),
        ("2026-04-05", LORD_HOWE, [48] * 6 + [6]),
        ("2011-12-30", APIA, []),
    ],
)
def test_five_minute_rows(day, zone, lengths):
    day = date.fromisoformat(day)
    rows = five_minute_rows(day, zone)
    assert [len(row) for row in rows] == lengths
    cells = [cell for row in rows for cell in row]
    assert cells == list(range(day_start(day, zone), day_start(day + timedelta(1), zone), 300))


def test_days_of_a_span():
    start, end = utc("2026-11-10T15:59:59"), utc("2026-11-11T16:00:01")
    assert days(start, end, SHANGHAI) == [
        (20767, utc("2026-11-09T16:00:00"), utc("2026-11-10T16:00:00")),
        (20768, utc("2026-11-10T16:00:00"), utc("2026-11-11T16:00:00")),
        (20769, utc("2026-11-11T16:00:00"), utc("2026-11-12T16:00:00")),
    ]
    assert [n for n, _, _ in days(start + 1, end - 1, SHANGHAI)] == [20768]


def test_a_skipped_day_is_not_among_the_days():
    found = days(utc("2011-12-29T10:00:00"), utc("2012-01-01T10:00:00"), APIA)
    assert [date_of(n).isoformat() for n, _, _ in found] == ["2011-12-29", "2011-12-31", "2012-01-01"]


def test_nothing_overlaps_an_empty_span():
    assert (days(0, 0, SHANGHAI), list(hours(0, 0)), list(quarters(900, 0))) == ([], [], [])


@anything
@given(zones, seconds, st.integers(1, 40 * 86400))
def test_days_hours_and_quarters_cover_a_span_and_no_more(zone, start, length):
    end = start + length
    spans = days(start, end, zone)
    assert all(one[2] == following[1] for one, following in pairwise(spans))
    assert spans[0][1] <= start < spans[0][2]
    assert spans[-1][1] < end <= spans[-1][2]
    for width, found in ((HOUR_S, hours(start, end)), (QUARTER_S, quarters(start, end))):
        assert found[0] <= start < found[0] + width
        assert found[-1] < end <= found[-1] + width
        assert all(edge % width == 0 for edge in found)


def test_hours_and_quarters_of_a_span():
    assert list(hours(3599, 7201)) == [0, 3600, 7200]
    assert list(quarters(900, 2700)) == [900, 1800]


NOW = us("2026-11-11T01:07:08")


@pytest.mark.parametrize(
    ("name", "zone", "start", "end"),
    [
        ("today", SHANGHAI, "2026-11-10T16:00:00", "2026-11-11T16:00:00"),
        ("today", NEW_YORK, "2026-11-10T05:00:00", "2026-11-11T05:00:00"),
        ("2d", SHANGHAI, "2026-11-09T16:00:00", "2026-11-11T16:00:00"),
        ("7d", SHANGHAI, "2026-11-04T16:00:00", "2026-11-11T16:00:00"),
        ("30d", NEW_YORK, "2026-10-12T04:00:00", "2026-11-11T05:00:00"),
        ("1d", SHANGHAI, "2026-11-10T16:00:00", "2026-11-11T16:00:00"),
        ("366d", SHANGHAI, "2025-11-10T16:00:00", "2026-11-11T16:00:00"),
        ("yesterday", SHANGHAI, "2026-11-09T16:00:00", "2026-11-10T16:00:00"),
        ("this_week", SHANGHAI, "2026-11-08T16:00:00", "2026-11-15T16:00:00"),
        ("last_week", SHANGHAI, "2026-11-01T16:00:00", "2026-11-08T16:00:00"),
        ("last_week", NEW_YORK, "2026-11-02T05:00:00", "2026-11-09T05:00:00"),
        ("this_month", NEW_YORK, "2026-11-01T04:00:00", "2026-12-01T05:00:00"),  # an hour longer than its days
        ("last_month", "Asia/Kathmandu", "2026-09-30T18:15:00", "2026-10-31T18:15:00"),
        ("1h", SHANGHAI, "2026-11-11T00:00:00", None),
        ("24h", SHANGHAI, "2026-11-10T01:00:00", None),
        ("24h", "Asia/Kathmandu", "2026-11-10T01:00:00", None),
        ("168h", SHANGHAI, "2026-11-04T01:00:00", None),
        ("all", SHANGHAI, None, None),
    ],
)
def test_named_ranges(name, zone, start, end):
    period = resolve(name, 5, 1, now=NOW, zone=zone)  # start and end mean nothing here
    assert period == Period(start and us(start), end and us(end))


@anything
@given(zones, seconds, st.sampled_from(["1h", "24h", "168h", "12d", *RANGE_NAMES[:-1]]))
def test_a_named_range_holds_now_unless_it_is_over_and_cuts_no_quarter(zone, second, name):
    now = second * 1_000_000 + 999_999
    period = resolve(name, None, None, now=now, zone=zone)
    over = name == "yesterday" or name.startswith("last")
    assert over or ((period.start or 0) <= now and (period.end is None or now < period.end))
    assert [edge for edge in (period.start, period.end) if edge is not None and edge % (QUARTER_S * 1_000_000)] == []


@anything
@given(zones, seconds, st.sampled_from([1, 2, 3, 4, 5, 6, 7, 30]))
def test_nd_is_n_local_days_up_to_the_next_midnight(zone, second, count):
    period = resolve("today" if count == 1 else f"{count}d", None, None, now=second * 1_000_000, zone=zone)
    start, end = period.start // 1_000_000, period.end // 1_000_000
    assert end == day_start(local_date(second, zone) + timedelta(1), zone)
    numbers = [n for n, _, _ in days(start, end, zone)]
    skipped = day_number(date(2011, 12, 30))
    whole = range(local_day(second, zone) - count + 1, local_day(second, zone) + 1)
    assert numbers == [n for n in whole if (zone, n) != (APIA, skipped)]


@anything
@given(zones, seconds)
def test_a_day_week_or_month_that_is_over_ends_where_the_present_one_begins(zone, second):
    found = {name: resolve(name, None, None, now=second * 1_000_000, zone=zone) for name in CALENDAR_RANGES}
    for now, before in (("today", "yesterday"), ("this_week", "last_week"), ("this_month", "last_month")):
        assert found[before].start < found[before].end == found[now].start
        assert whole_days(found[now], zone)[0] == whole_days(found[before], zone)[1] + timedelta(1) or zone == APIA
    for name in ("this_week", "last_week"):
        first, last = whole_days(found[name], zone)
        assert (first.weekday(), last.weekday()) == (0, 6) or zone == APIA
    for name in ("this_month", "last_month"):
        first, last = whole_days(found[name], zone)
        assert first.day == (last + timedelta(1)).day == 1


def test_yesterday_is_no_date_that_the_zone_skipped():
    period = resolve("yesterday", None, None, now=us("2011-12-31T02:00:00"), zone=APIA)
    assert whole_days(period, APIA) == (date(2011, 12, 29), date(2011, 12, 29))


def test_a_month_with_its_clock_change_is_whole_days():
    assert whole_days(Period(us("2026-11-01T04:00:00"), us("2026-12-01T05:00:00")), NEW_YORK) == (
        date(2026, 11, 1),
        date(2026, 11, 30),
    )
    for start, end in ((4, 5), (4, None), (None, 5), (us("2026-11-01T04:00:00"), us("2026-11-02T04:00:00"))):
        assert whole_days(Period(start, end), NEW_YORK) is None


def test_custom_is_what_is_asked_for():
    assert resolve("custom", 1_000_000, 2_000_000, now=NOW, zone="UTC") == Period(1_000_000, 2_000_000)


UNKNOWN = (
    "Unknown range: use today, yesterday, this_week, last_week, this_month, last_month, 1h to 168h, 1d to 366d, all or "
    "custom."
)


@pytest.mark.parametrize(
    ("name", "start", "end", "field", "sentence"),
    [
        ("custom", None, 5, "start", "A custom range needs a start."),
        ("custom", 5, None, "end", "A custom range needs an end."),
        ("custom", None, None, "start", "A custom range needs a start."),
        ("custom", 5, 5, "end", "The end must be after the start."),
        ("custom", 5, 4, "end", "The end must be after the start."),
        ("367d", None, None, "range", UNKNOWN),
        ("169h", None, None, "range", UNKNOWN),
        ("", None, None, "range", UNKNOWN),
    ],
)
def test_bad_ranges(name, start, end, field, sentence):
    with pytest.raises(BadRange) as caught:
        resolve(name, start, end, now=NOW, zone=SHANGHAI)
    assert (caught.value.field, caught.value.sentence, str(caught.value)) == (field, sentence, sentence)


def test_ranges_there_are():
    names = "today yesterday this_week last_week this_month last_month all custom"
    assert tuple(names.split()) == RANGE_NAMES
    assert all(map(is_range, [*RANGE_NAMES, "1h", "24h", "99h", "168h", "1d", "7d", "30d", "366d"]))


@pytest.mark.parametrize(
    "name", ["", "0h", "01h", "169h", "1000h", "0d", "07d", "367d", "1000d", "h", "-1h", "1.5h", "٣h", "1h\n", "Today"]
)
def test_ranges_there_are_not(name):
    assert not is_range(name)
