from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usage.records import timestamps as moments
from usage.records.timestamps import believed, moment

DAY = 86_400_000_000


def us(text):
    """µs of an ISO time in UTC."""
    since = datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-24T11:56:42.952429245+08:00", "2026-11-24T03:56:42.952429"),
        ("2026-11-24T03:56:42.952429999Z", "2026-11-24T03:56:42.952429"),
        ("2026-11-23T22:56:42.9-05:00", "2026-11-24T03:56:42.900000"),
        ("2026-11-24T03:56:42Z", "2026-11-24T03:56:42"),
        ("2026-11-24T09:41:42+05:45", "2026-11-24T03:56:42"),
        ("2024-02-29T00:00:00+00:00", "2024-02-29T00:00:00"),
        ("2026-11-24T1:00:00Z", "2026-11-24T01:00:00"),
        ("2026-11-24T03:56:42,5Z", "2026-11-24T03:56:42.5"),
        ("2026-11-24t03:56:42.25z", "2026-11-24T03:56:42.25"),
        ("2026-11-24 11:56:42+08:00", "2026-11-24T03:56:42"),
        ("2026-11-24 11:56:42.5 +0800", "2026-11-24T03:56:42.5"),
        ("  2026-11-24T03:56:42Z\n", "2026-11-24T03:56:42"),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00"),
        ("2026-12-31T23:59:60.5Z", "2027-01-01T00:00:00.5"),
        ("2026-11-24T03:56:42.Z", "2026-11-24T03:56:42"),
        ("2026-11-24T03:56Z", "2026-11-24T03:56:00"),
        ("2026-11-24T03:56:42", "2026-11-24T03:56:42"),
        ("2026-11-24", "2026-11-24T00:00:00"),
        ("2026-1-2T03:04:05+8", "2026-01-01T19:04:05"),
    ],
)
def test_moment(text, instant):
    assert moment(text) == us(instant)


@pytest.mark.parametrize(
    "text",
    [
        *("yesterday", "1795500000", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-24T24:00:00Z"),
        *("2026-11-24T03:60:00Z", "2026-11-24T03:56:61Z", "2026-11-24T03:56:42+24:00", "2026-11-24 03:56:42+08:60"),
        *("2026-11-24T03:56:42Zulu", "20261124T035642Z", "２026-11-24T03:56:42Z", "2026-11-24T03:56:42.²Z", "\x00"),
        *("12026-11-24T03:56:42Z", "2026-11-24T03:56:42.5.5Z", "2026_1-24T03:56:42Z", "2026-11-24T03:5_:42Z"),
    ],
)
def test_what_is_no_time(text):
    with pytest.raises(ValueError):
        moment(text)


ARRIVED = us("2026-11-24T04:00:00")


@pytest.mark.parametrize(
    ("text", "timestamp", "claimed"),
    [
        ("", ARRIVED, None),
        (" \t", ARRIVED, None),
        ("2026-11-24T03:00:00Z", ARRIVED - 3_600_000_000, None),
        ("2020-01-01T00:00:00Z", us("2020-01-01T00:00:00"), None),
        ("2019-12-31T23:59:59.999999Z", ARRIVED, us("2019-12-31T23:59:59.999999")),
        ("2026-11-25T04:00:00Z", ARRIVED + DAY, None),
        ("2026-11-25T04:00:00.000001Z", ARRIVED, ARRIVED + DAY + 1),
        ("0001-01-01T00:00:00Z", ARRIVED, us("0001-01-01T00:00:00")),
        ("0001-01-01T00:00:00+08:00", ARRIVED, us("0001-01-01T00:00:00")),  # no calendar goes further back
        ("0000-01-01T00:00:00Z", ARRIVED, us("0001-01-01T00:00:00")),
        ("9999-12-31T23:59:59-08:00", ARRIVED, us("9999-12-31T23:59:59.999999")),
    ],
)
def test_believed(text, timestamp, claimed):
    assert believed(text, ARRIVED) == (timestamp, claimed)


offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(deadline=None)
@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=offsets))
def test_every_time_python_writes_is_read_to_the_microsecond(when):
    expected = (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert moment(when.isoformat()) == expected
    assert moment(when.isoformat(" ", "microseconds")) == expected


@settings(deadline=None)
@given(st.text() | st.from_regex(moments._ODD))
def test_any_text_is_a_time_or_a_value_error(text):
    with suppress(ValueError):
        timestamp, claimed = believed(text, ARRIVED)
        assert moments.EARLIEST <= timestamp <= ARRIVED + DAY
        assert claimed is None or moments.FIRST_CLAIM <= claimed <= moments.LAST_CLAIM
