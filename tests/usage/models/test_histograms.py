"""Durations in logarithmic buckets, and percentiles read from them."""

from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.models.histograms import BUCKETS, EDGES, bounds_of, bucket_of, percentile

durations = st.lists(st.integers(1, 2_000_000), min_size=1, max_size=200)


def counted(values):
    counts = [0] * BUCKETS
    for value in values:
        counts[bucket_of(value)] += 1
    return counts


def test_there_are_twenty_four_buckets_each_about_1_6_times_the_one_before():
    assert (BUCKETS, EDGES[0], EDGES[-1]) == (24, 25, 630_000)
    assert all(1.5 < after / before < 1.65 for before, after in pairwise(EDGES))


def test_the_buckets_tile_all_durations():
    bounds = [bounds_of(bucket) for bucket in range(BUCKETS)]
    assert (bounds[0][0], bounds[-1][1]) == (1, None)
    assert [high for _, high in bounds[:-1]] == [low for low, _ in bounds[1:]]


@pytest.mark.parametrize(
    ("ms", "bucket"), [(0, None), (1, 0), (24, 0), (25, 1), (1599, 9), (1600, 10), (629_999, 22), (630_000, 23)]
)
def test_a_duration_falls_in_the_bucket_whose_bounds_hold_it(ms, bucket):
    assert bucket_of(ms) == bucket


def test_nothing_has_no_percentile():
    assert percentile([0] * BUCKETS, 50) is None


def test_durations_within_a_bucket_are_spread_on_the_logarithmic_scale():
    counts = [0] * BUCKETS
    counts[bucket_of(1000)] = 4  # 1,000 to 1,600 ms
    assert [percentile(counts, percent) for percent in (25, 50, 75, 100)] == [1061, 1193, 1341, 1509]


def test_the_last_bucket_counts_as_its_beginning():
    assert percentile(counted([3_600_000]), 50) == 630_000


@given(durations, st.sampled_from([50, 95, 99]))
def test_a_percentile_lies_in_the_bucket_of_the_true_one(values, percent):
    true = sorted(values)[max(1, ceil(len(values) * percent / 100)) - 1]
    low, high = bounds_of(bucket_of(true))
    assert low <= percentile(counted(values), percent) <= (high or low)


@given(durations, durations)
def test_histograms_add_up(some, others):
    both = [a + b for a, b in zip(counted(some), counted(others), strict=True)]
    assert both == counted(some + others)


@given(durations)
def test_percentiles_never_fall(values):
    found = [percentile(counted(values), percent) for percent in (1, 50, 95, 99, 100)]
    assert found == sorted(found)
