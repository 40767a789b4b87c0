"""The equal period before a period, up to the same point."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from usage.analytics.comparisons import earlier
from usage.time.periods import Period

SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"


def at(text, zone):
    return None if text is None else int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("zone", "period", "now", "before"),
    [
        # seven days, the last of them half over
        (SHANGHAI, ("2026-11-18", "2026-11-25"), "2026-11-24T12:07", ("2026-11-11", "2026-11-17T12:00")),
        # a week that is over
        (SHANGHAI, ("2026-11-01", "2026-11-08"), "2026-11-24T12:00", ("2026-10-25", "2026-11-01")),
        # the last 24 hours, open to the end
        (SHANGHAI, ("2026-11-23T12:00", None), "2026-11-24T12:00", ("2026-11-22T12:00", "2026-11-23T12:00")),
        # clocks went back on November 1: days stay days
        (NEW_YORK, ("2026-11-01", "2026-11-03"), "2026-11-02T10:00", ("2026-10-30", "2026-10-31T10:00")),
        # nothing lies before everything, and nothing was yet of what is to come
        (SHANGHAI, (None, None), "2026-11-24T12:00", None),
        (SHANGHAI, ("2026-12-01", "2026-12-02"), "2026-11-24T12:00", None),
    ],
)
def test_earlier(zone, period, now, before):
    found = earlier(Period(*(at(text, zone) for text in period)), at(now, zone), zone)
    assert found == (before and Period(*(at(text, zone) for text in before)))
