"""Moments in and out: the texts of the API."""

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usage.time.periods import (
    LAST_MOMENT,
    BadMoment,
    day_number,
    day_start,
    parse_moment,
    rfc3339_local_day,
    rfc3339_utc,
    rfc3339_utc_us,
)

SHANGHAI, NEW_YORK, LORD_HOWE = "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"
SAO_PAULO, APIA = "America/Sao_Paulo", "Pacific/Apia"

zones = st.sampled_from([SHANGHAI, NEW_YORK, LORD_HOWE, SAO_PAULO, APIA, "UTC", "Asia/Kathmandu"])
dates = st.dates(date(1970, 1, 3), date(2099, 12, 30))
almost_moments = st.from_regex(r"\A\d{4}-[01]\d-[0-3]\d([T ][0-2]\d:[0-5]\d(:\d\d(\.\d+)?)?([Z+ -][012]\d:\d\d)?)?\Z")
anything = settings(deadline=None, max_examples=200)


def utc(text):
    """Seconds of an ISO time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def us(text):
    return utc(text) * 1_000_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-11T08:30:00Z", "2026-11-11T08:30:00"),
        ("2026-11-11t08:30:00z", "2026-11-11T08:30:00"),
        ("2026-11-11T08:30:00+08:00", "2026-11-11T00:30:00"),
        ("2026-11-11T08:30:00 08:00", "2026-11-11T00:30:00"),  # a plus in an address arrives as a blank
        ("2026-11-11 08:30:00 08:00", "2026-11-11T00:30:00"),
        ("2026-11-11T08:30:00-05:00", "2026-11-11T13:30:00"),
        ("2026-11-11T08:30:00 -05:00", "2026-11-11T13:30:00"),
        ("2026-11-11T08:30:00+0545", "2026-11-11T02:45:00"),
        ("2026-11-11T08:30Z", "2026-11-11T08:30:00"),
        ("  2026-11-11T08:30:00Z\t", "2026-11-11T08:30:00"),
        ("2026-11-11", "2026-11-10T16:00:00"),
        ("2026-11-11T08:30", "2026-11-11T00:30:00"),
        ("2026-11-11 08:30", "2026-11-11T00:30:00"),
        ("2026-11-11T08:30:15", "2026-11-11T00:30:15"),
        ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00"),
        ("1970-01-01", "1970-01-01T00:00:00"),  # 16:00 of the day before, in UTC
        ("9999-12-31T23:59:59Z", "2200-01-01T00:00:00"),
    ],
)
def test_moments(text, moment):
    assert parse_moment(text, SHANGHAI) == us(moment)


def test_the_last_moment_is_the_end_of_2199():
    assert us("2200-01-01T00:00:00") == LAST_MOMENT


@pytest.mark.parametrize(
    ("fraction", "microseconds"),
    [(".5", 500_000), (",5", 500_000), (".000001", 1), (".9999999999", 999_999), (".952429245", 952_429)],
)
def test_decimals_are_cut_to_microseconds(fraction, microseconds):
    base = us("2026-11-11T00:30:15")
    assert parse_moment(f"2026-11-11T08:30:15{fraction}", SHANGHAI) == base + microseconds
    assert parse_moment(f"2026-11-11T00:30:15{fraction}Z", SHANGHAI) == base + microseconds


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-03-08T02:30:15.5", NEW_YORK, "2026-03-08T07:00:00"),  # skipped: the first instant after the gap
        ("2026-11-01T01:30", NEW_YORK, "2026-11-01T05:30:00"),  # twice: the first
        ("2017-10-15", SAO_PAULO, "2017-10-15T03:00:00"),
        ("2017-10-15T00:59", SAO_PAULO, "2017-10-15T03:00:00"),
        ("2011-12-30T15:00", APIA, "2011-12-30T10:00:00"),
        ("2026-10-04T02:15", LORD_HOWE, "2026-10-03T15:30:00"),
        ("2026-04-05T01:45", LORD_HOWE, "2026-04-04T14:45:00"),
    ],
)
def test_local_times_that_never_were_or_were_twice(text, zone, moment):
    assert parse_moment(text, zone) == us(moment)


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026", "2026-11", "2026-13-01", "2026-02-30", "2026-11-11T", "2026-11-11T24:00", "20261111"),
        *("2026-11-11T08", "2026-11-11T08:60", "2026-11-11T08:30:60", "2026-11-11T08:30.5", "1795500000"),
        *("2026-11-11T08:30:00+24:00", "2026-11-11T08:30:00+08:60", "2026-11-11T08:30:00 PST", "2026-11-11Z"),
        *("2026-11-11T08:30:00+8", "２026-11-11", "0000-01-01", "2026-11-11T08:30:00Z'--", "2026-11-11\x00"),
    ],
)
def test_what_is_no_moment(text):
    with pytest.raises(BadMoment) as caught:
        parse_moment(text, SHANGHAI)
    assert str(caught.value) == "Not a moment: write 2026-11-11, 2026-11-11T08:30 or 2026-11-11T08:30:00+08:00."


@anything
@given(st.text() | almost_moments, zones)
def test_any_text_is_a_moment_or_a_bad_one(text, zone):
    with suppress(BadMoment):
        assert 0 <= parse_moment(text, zone) <= LAST_MOMENT


@anything
@given(st.integers(0, LAST_MOMENT - 1), zones)
def test_what_we_write_we_read(moment, zone):
    assert parse_moment(rfc3339_utc_us(moment), zone) == moment


@anything
@given(dates, zones)
def test_days_we_write_we_read(day, zone):
    start = day_start(day, zone)
    assert parse_moment(rfc3339_local_day(day_number(day), zone), "UTC") == max(start, 0) * 1_000_000
    assert parse_moment(day.isoformat(), zone) == max(start, 0) * 1_000_000


def test_times_out():
    assert rfc3339_utc(utc("2026-01-02T03:04:05")) == "2026-01-02T03:04:05Z"
    assert rfc3339_utc(-1) == "1969-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_500_000, "1970-01-01T00:00:01.5Z"),
        (10_000_000, "1970-01-01T00:00:10Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_moments_out(moment, text):
    assert rfc3339_utc_us(moment) == text


@pytest.mark.parametrize(
    ("day", "zone", "text"),
    [
        ("2026-11-11", SHANGHAI, "2026-11-11T00:00:00+08:00"),
        ("2026-11-11", "UTC", "2026-11-11T00:00:00+00:00"),
        ("2026-03-09", NEW_YORK, "2026-03-09T00:00:00-04:00"),
        ("2017-10-15", SAO_PAULO, "2017-10-15T01:00:00-02:00"),
    ],
)
def test_days_out(day, zone, text):
    assert rfc3339_local_day(day_number(date.fromisoformat(day)), zone) == text
