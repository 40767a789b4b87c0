"""Percentiles of latency and time to first token: counted while records are stored, and read by model."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.usage.made import DAY, HOUR, NOON, SECOND, record, scratch, stored
from usage.analytics.latency import Medians, latency, medians, speeds
from usage.models import COUNTS, DrainState, Duration, Event, Quarter
from usage.models.histograms import BUCKETS, bounds_of, bucket_of, percentile
from usage.query.forms import UsageFilterForm
from usage.rollups import retention
from usage.rollups.check import check
from usage.rollups.rebuild import rebuild

pytestmark = pytest.mark.django_db


def asked(**fields):
    form = UsageFilterForm(fields)
    assert form.is_valid(), form.errors
    return form.usage_filter()


def attempt(at, latency_ms, ttft_ms=0, **fields):
    return record(at, latency_ms=latency_ms, ttft_ms=ttft_ms, x_forwarded_for=f"{latency_ms}", **fields)


def counts_of(*durations):
    counts = [0] * BUCKETS
    for ms in durations:
        counts[bucket_of(ms)] += 1
    return counts


def rows():
    return {row[:3]: row[3:] for row in Duration.objects.values_list("bucket", "model__name", "kind", *COUNTS)}


def test_successes_count_in_their_hour_and_model_and_what_was_not_measured_does_not():
    stored(
        attempt(NOON, 1200, 300),
        attempt(NOON + 1, 1300),
        attempt(NOON + 2, 0),
        attempt(NOON + 3, 5, failed=True),
        attempt(NOON + HOUR, 90, model="other"),
    )
    hour = NOON // SECOND
    assert rows() == {
        (hour, "gpt-5", 0): tuple(counts_of(1200, 1300)),
        (hour, "gpt-5", 1): tuple(counts_of(300)),
        (hour + 3600, "other", 0): tuple(counts_of(90)),
    }
    assert list(check()) == []


def test_a_replayed_record_counts_once():
    for _ in range(2):
        stored(attempt(NOON, 1200))
    assert list(rows().values()) == [tuple(counts_of(1200))]


def test_the_answer_by_model():
    stored(*(attempt(NOON + n, 1000 + n, 200) for n in range(20)), attempt(NOON, 50, model="other"))
    answer = latency(asked())
    first, second = answer.items
    expected = counts_of(*range(1000, 1020))
    assert (first.model, first.latency.count, first.latency.distribution) == ("gpt-5", 20, expected)
    assert [first.latency.p50, first.latency.p95, first.latency.p99] == [percentile(expected, p) for p in (50, 95, 99)]
    assert (first.ttft.count, second.model, second.latency.count, second.ttft.p50) == (20, "other", 1, None)
    assert answer.bounds == [bounds_of(bucket) for bucket in range(BUCKETS)]
    assert answer.measured_from is None


def test_whole_hours_are_looked_at_for_models_and_exact_events_for_anything_else():
    stored(attempt(NOON, 100), attempt(NOON + HOUR // 2, 200), attempt(NOON + HOUR, 400))
    half_past = {"start": "2026-11-24T12:30", "end": "2026-11-24T12:45"}
    by_model = latency(asked(model=["gpt-5"], **half_past))
    assert (by_model.items[0].latency.count, by_model.measured_from) == (2, "2026-11-24T04:00:00Z")
    by_source = latency(asked(source=["ann@example.com"], **half_past))
    assert (by_source.items[0].latency.count, by_source.measured_from) == (1, "2026-11-24T04:30:00Z")


@pytest.mark.parametrize(("few", "count", "since"), [(10, 10, None), (9, 7, "2026-11-17T04:00:01Z")])
def test_other_filters_are_answered_of_the_last_seven_days_of_many_events(monkeypatch, set_clock, few, count, since):
    set_clock(NOON + SECOND)
    monkeypatch.setattr("usage.analytics.latency.FEW_EVENTS", few)
    stored(*(attempt(NOON - days * DAY, 100 + days) for days in range(10)))
    for end in ("2026-11-24T12:00:01", "2026-12-01"):
        filters = asked(start="2026-11-01", end=end, provider="codex")
        answer, of_all = latency(filters), speeds(filters)
        assert (answer.items[0].latency.count, answer.measured_from) == (count, since or "2026-10-31T16:00:00Z")
        assert (of_all.latency.count, of_all.measured_from) == (count, since)


def test_failures_have_no_latency():
    stored(attempt(NOON, 100), attempt(NOON + 1, 100, failed=True))
    assert latency(asked(result="failed")).items == []
    assert latency(asked(result="success")).items[0].latency.count == 1


def test_wrong_histograms_are_found_and_made_anew():
    stored(attempt(NOON, 100), attempt(NOON + HOUR, 100))
    right = rows()
    Duration.objects.filter(bucket=NOON // SECOND).update(n00=7)
    (wrong,) = check()
    assert (wrong.rollup, wrong.bucket, wrong.wrong()) == ("Duration", NOON // SECOND, [("n00", 7, 0)])
    list(rebuild())
    assert rows() == right


def test_where_the_kept_detail_begins_within_an_hour_histograms_begin_with_the_next(settings):
    settings.TIME_ZONE = "Asia/Kathmandu"  # midnight is a quarter past six in the evening, UTC
    midnight = NOON - 9 * HOUR - HOUR * 3 // 4
    stored(attempt(midnight - 1, 100), attempt(midnight, 200), attempt(midnight + HOUR, 400))
    retention.move_events_from(20781)
    assert DrainState.load().events_from == midnight
    assert latency(asked()).items[0].latency.count == 1
    list(rebuild())
    assert list(check()) == []
    assert latency(asked(provider="codex", start="2026-11-20", end="2026-11-25")).items[0].latency.count == 2


@given(
    st.lists(
        st.tuples(st.integers(-40, 40), st.integers(0, 900_000), st.booleans(), st.sampled_from(["a", "b"])),
        max_size=20,
    )
)
@settings(max_examples=25, deadline=None)
def test_histograms_equal_their_events(made):
    """The fast answer by model is the slow one from events, and rebuilding changes nothing."""
    with scratch():
        stored(*(attempt(NOON + n * HOUR // 7, ms, ms // 3, failed=bad, model=name) for n, ms, bad, name in made))
        assert list(check()) == []
        before = rows()
        list(rebuild())
        assert rows() == before
        period = {"start": "2026-11-23T00:00", "end": "2026-11-26T00:00"}
        assert latency(asked(**period)).items == latency(asked(provider="codex", **period)).items
        assert Event.objects.count() >= sum(map(sum, before.values())) // 2
        assert Quarter.objects.exists() or not made


def test_the_median_of_each_hour_is_that_of_its_histograms(set_clock):
    set_clock(NOON + 4 * HOUR + SECOND)
    attempts = [(-HOUR, 1200, 300), (1 - HOUR, 1200, 0), (2 - HOUR, 40_000, 0), (2 * HOUR, 90, 30), (3 * HOUR, 90, 30)]
    stored(*(attempt(NOON + after, *took) for after, *took in attempts))
    stored(attempt(NOON, 500, model="other"), attempt(NOON + 1, 1, failed=True))
    mixed, other, quick, first, next_one = (middle(*ms) for ms in ((1200, 1200, 40_000), (500,), (90,), (300,), (30,)))
    period = {"start": "2026-11-24T11:00:00", "end": "2026-11-24T18:00:00"}
    assert medians(asked(**period)) == Medians(
        latency_ms=[mixed, other, None, quick, quick, None],
        ttft_ms=[first, None, None, next_one, next_one, None],
    )
    assert medians(asked(**period, model=["other"])).latency_ms == [None, other, None, None, None, None]
    assert medians(asked(**period, result="failed")) == Medians(latency_ms=[], ttft_ms=[])


def test_the_median_of_each_day_is_that_of_a_longer_period(set_clock):
    set_clock(NOON)
    stored(attempt(NOON - 20 * DAY, 1200), attempt(NOON - 20 * DAY + 6 * HOUR, 40_000), attempt(NOON - DAY, 90))
    found = medians(asked(start="2026-11-04", end="2026-12-01")).latency_ms
    assert found == [middle(1200, 40_000), *[None] * 18, middle(90), None]


def test_nothing_was_measured_of_nothing():
    assert medians(asked(range="all")) == Medians(latency_ms=[], ttft_ms=[])


def middle(*durations):
    return percentile(counts_of(*durations), 50)
