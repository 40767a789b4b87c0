"""Gaps: what is told again, what is folded into one, and what a person has put aside."""

from datetime import UTC, datetime, timedelta

import pytest

from usage.models import Gap

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CUT, STOPPED = "The connection broke: reset by peer", "CPA was stopped"
UNREAD = "CPA's queue was not read for longer than the 60 seconds it keeps records"


def record(start, end, reason=STOPPED, lost=None, lost_by=None):
    """Record a gap from and to a second after noon."""
    return Gap.record(NOON + timedelta(seconds=start), NOON + timedelta(seconds=end), reason, lost, lost_by)


def kept():
    """(start, end, times, lost) of all, oldest first."""
    return [
        ((gap.start - NOON).total_seconds(), (gap.end - NOON).total_seconds(), gap.times, gap.lost)
        for gap in Gap.objects.order_by("start", "pk")
    ]


def test_one_is_kept_as_it_is():
    gap = record(0, 10, "x" * 600, 3, {"a": 1, "b": 2})
    gap.refresh_from_db()
    assert kept() == [(0, 10, 1, 3)]
    assert (gap.lost_by, len(gap.reason), gap.dismissed_at) == ({"a": 1, "b": 2}, 500, None)


def test_twenty_of_a_loop_of_restarts_are_one_row():
    for n in range(20):
        record(n * 30, n * 30 + 2, f"The connection broke: error {n}")
    assert kept() == [(0, 19 * 30 + 2, 20, None)]
    assert Gap.objects.get().reason == "The connection broke: error 0"


def test_one_that_comes_more_than_a_minute_later_is_a_row_of_its_own():
    record(0, 10)
    record(70, 80)
    record(141, 150)
    assert kept() == [(0, 80, 2, None), (141, 150, 1, None)]


def test_one_of_another_kind_is_a_row_of_its_own_unless_it_follows_within_seconds():
    record(0, 10, CUT)
    record(15, 20, STOPPED)
    record(24, 30, UNREAD)
    assert kept() == [(0, 10, 1, None), (15, 30, 2, None)]
    assert Gap.objects.first().reason == f"{STOPPED}. {UNREAD}"


def test_two_kinds_that_alternate_are_two_rows():
    for n in range(0, 100, 20):
        record(n, n + 2, CUT)
        record(n + 10, n + 12, STOPPED)
    assert kept() == [(0, 82, 5, None), (10, 92, 5, None)]


def test_numbers_are_summed_and_one_that_is_not_known_leaves_the_sum_unknown():
    record(0, 10, lost=3, lost_by={"a": 3})
    record(20, 30, lost=4, lost_by={"a": 1, "b": 3})
    assert (kept(), Gap.objects.get().lost_by) == ([(0, 30, 2, 7)], {"a": 4, "b": 3})
    record(40, 50)
    assert (kept(), Gap.objects.get().lost_by) == ([(0, 50, 3, None)], {"a": 4, "b": 3})


def test_a_number_is_not_mixed_with_what_another_reason_left_unknown():
    record(0, 10, "Another program takes CPA's records", 3)
    record(10, 20, STOPPED)
    assert kept() == [(0, 10, 1, 3), (10, 20, 1, None)]


def test_one_told_again_has_the_new_end_and_numbers_and_the_first_reason():
    record(0, 10, lost=3, lost_by={"a": 3})
    record(0, 20, lost=5, lost_by={"a": 4, "b": 1})
    assert (kept(), Gap.objects.get().lost_by) == ([(0, 20, 1, 5)], {"a": 4, "b": 1})
    record(100, 110, STOPPED)
    Gap.record(NOON + timedelta(seconds=99.999999), NOON + timedelta(seconds=400), UNREAD)
    assert kept()[1:] == [(100, 400, 1, None)]
    assert Gap.objects.first().reason == STOPPED


def test_one_that_is_learnt_of_late_leaves_later_ones_alone():
    record(500, 510)
    record(0, 100)
    assert kept() == [(0, 100, 1, None), (500, 510, 1, None)]


def test_what_was_dismissed_takes_nothing_in():
    record(0, 10)
    Gap.objects.dismiss()
    record(20, 30)
    assert kept() == [(0, 10, 1, None), (20, 30, 1, None)]
    assert [gap.start for gap in Gap.objects.standing()] == [NOON + timedelta(seconds=20)]


def test_a_dismissal_keeps_its_time_and_can_be_taken_back(set_clock):
    gap = record(0, 10)
    for minutes in (0, 1):
        set_clock(NOON + timedelta(minutes=minutes))
        Gap.objects.dismiss()
    gap.refresh_from_db()
    assert gap.dismissed_at == NOON
    assert (Gap.objects.restore(), Gap.objects.restore()) == (1, 0)
    assert Gap.objects.standing().count() == 1
