"""Charts of token classes, failures and latency, and the line of an earlier period."""

import pytest

from tests.usage.made import DAY, HOUR, NOON, record, stored
from usage.analytics.comparisons import NONE, PREVIOUS, WEEK
from usage.analytics.timelines import timeline
from usage.models import DrainState
from usage.query.filters import UsageFilter
from usage.time.periods import Period, resolve

pytestmark = pytest.mark.django_db
ZONE = "Asia/Shanghai"
MINUTE, EARLIER = HOUR // 60, NOON - 2 * HOUR


@pytest.fixture(autouse=True)
def now(set_clock):
    set_clock(NOON)


def chart(measure, compare=NONE, range="today", **labels):
    period = resolve(range, None, None, now=NOON, zone=ZONE) if isinstance(range, str) else range
    return timeline(UsageFilter(period, tuple(labels.items())), "model", measure, compare)


def values(found, place=0):
    return [value for value in found.layers[place].values if value]


def test_token_classes_are_layers_that_add_up_to_the_tokens():
    stored(
        *(record(at, tokens={"input": 100, "cached": 40}) for at in (NOON - HOUR, NOON - 2 * HOUR, NOON - 2 * HOUR + 1))
    )
    found = chart("token_classes")
    classes = {layer.key: layer.total for layer in found.layers}
    assert classes == {"uncached": 180, "cache_read": 120, "output": 120, "reasoning": 30}
    assert sum(classes.values()) == chart("tokens").layers[0].total
    assert values(found) == [120, 60]
    assert found.by == ""


def test_the_failure_rate_is_a_share_where_something_was_asked():
    stored(*(record(NOON - n * HOUR, failed=n == 2, request_id=str(n)) for n in (1, 2, 3)), record(NOON - 2 * HOUR))
    [layer] = chart("failure_rate").layers
    assert [value for value in layer.values if value is not None] == [0, 0.5, 0]
    assert layer.total == 0.25
    assert chart("failure_rate", range=Period(0, DAY)).layers == []


@pytest.mark.parametrize("labels", [{}, {"api_key": ("",)}])
def test_latency_is_read_hour_by_hour_as_median_and_95th_percentile(labels):
    made = {"api_key": ""} if labels else {}
    stored(*(record(NOON - 2 * HOUR + n, latency_ms=1000 if n % 10 else 90_000, **made) for n in range(40)))
    stored(record(NOON - HOUR, latency_ms=20_000, **made), record(NOON - HOUR, failed=True, latency_ms=1, **made))
    found = chart("latency", **labels)
    assert [layer.key for layer in found.layers] == ["p50", "p95"]
    first, second = values(found)
    assert 1000 <= first < 1600
    assert 16_000 <= second < 25_000
    assert 63_000 <= found.layers[1].total < 100_000


def test_short_periods_show_quarters_of_an_hour_and_latency_hours():
    stored(*(record(NOON - n * MINUTE) for n in (5, 20, 50)))
    period = Period(NOON - HOUR, NOON)
    assert (chart("requests", range=period).step, values(chart("requests", range=period))) == (900, [1, 1, 1])
    assert chart("latency", range=period).step == 3600


def test_the_line_of_an_earlier_period_lies_bucket_by_bucket_over_this_one():
    stored(*(record(NOON - MINUTE - days * DAY - n * HOUR) for days in (0, 1, 7, 9) for n in range(days + 1)))
    stored(record(NOON - DAY + 3 * HOUR))  # later in its day than it is today
    found = chart("requests", PREVIOUS)
    assert found.earlier.values == [0] * 10 + [1, 1] + [0, 0, 0, 1] + [0] * 8
    assert (found.earlier.total, found.earlier.start, found.earlier.end) == (
        2,
        "2026-11-22T16:00:00Z",
        "2026-11-23T04:00:00Z",
    )
    assert sum(chart("requests", WEEK).earlier.values) == 8
    assert len(found.earlier.values) == len(found.buckets)


@pytest.mark.parametrize("range", ["7d", "30d"])
def test_before_the_first_record_the_line_is_not_there(range):
    stored(record(NOON), record(NOON - 9 * DAY))
    found = chart("requests", PREVIOUS, range).earlier
    if range == "30d":
        assert not found
    else:
        assert found.total is None
        assert [value is None for value in found.values] == [True] * 27 + [False] * 15


@pytest.mark.parametrize(("measure", "total"), [("cost", 0), ("tokens", 150), ("failure_rate", 0), ("latency", 1265)])
def test_every_measure_can_be_compared(measure, total):
    stored(*(record(NOON - MINUTE - days * DAY) for days in (0, 1, 3)))
    assert chart(measure, PREVIOUS).earlier.total == pytest.approx(total, rel=0.01)
    assert not chart(measure, PREVIOUS, "all").earlier


def test_a_month_lies_over_the_month_before_also_where_that_is_shorter():
    stored(*(record(NOON - days * DAY) for days in (24, 34, 54, 80)))  # 31, 21 and 1 October; 5 September
    found = chart("requests", PREVIOUS, Period(*(NOON - HOUR * 12 - days * DAY for days in (54, 23))))
    assert values(found) == [1, 1, 1]
    assert found.earlier.values == [None] * 4 + [1] + [0] * 25 + [None]


def test_hours_of_which_no_detail_is_kept_any_more_are_no_zeros():
    stored(*(record(NOON - MINUTE - days * DAY) for days in (0, 1, 3)))
    assert chart("requests", PREVIOUS, "24h").earlier.total == 1
    DrainState.objects.update(events_from=NOON - DAY)
    assert not chart("requests", PREVIOUS, "24h").earlier
