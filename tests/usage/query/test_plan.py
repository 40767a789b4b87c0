"""The plan of a named range: whole days where it has them, never single events."""

import pytest

from usage.query.plan import Table, plan
from usage.time.periods import CALENDAR_RANGES, parse_moment, resolve

ZONES = ("Asia/Shanghai", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "America/St_Johns")


def tables(name, zone):
    """What a range is read from, on a day after which clocks changed."""
    now = parse_moment("2026-11-03T12:34:56", zone)
    return {part.table for part in plan(resolve(name, None, None, now=now, zone=zone), None, zone)}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", [*CALENDAR_RANGES, "1d", "12d", "366d"])
def test_a_range_of_the_calendar_is_read_from_days_alone(name, zone):
    assert tables(name, zone) == {Table.DAY}


@pytest.mark.parametrize("zone", ZONES)
def test_hours_are_read_from_quarters_and_days(zone):
    assert tables("100h", zone) == {Table.QUARTER, Table.DAY}
