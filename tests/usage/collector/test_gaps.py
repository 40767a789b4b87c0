"""When records may have been lost: the contacts with the queue, and the file that a subscription leaves."""

import pytest

from usage.collector.gaps import DIED, LOST, OVERFLOWED, STOPPED, UNREAD, GapDetector, SubscriptionFile
from usage.time.units import SECOND_US

S = SECOND_US
UNREAD_60 = UNREAD % 60


def gaps(*steps):
    """The gaps after these calls, each (method, arguments...), with their number only where there is one."""
    detector = GapDetector(lambda: 0)
    for name, *arguments in steps:
        getattr(detector, name)(*arguments)
    return [gap[:4] if gap.lost else gap[:3] for gap in detector.found]


def test_contacts_within_the_retention_leave_no_gap():
    assert gaps(("contact", 100 * S), ("contact", 160 * S), ("contact", 219 * S)) == []


def test_a_longer_silence_is_a_gap_without_its_last_minute_which_cpa_still_had():
    assert gaps(("contact", 100 * S), ("contact", 161 * S)) == [(100 * S, 101 * S, UNREAD_60)]


def test_a_cut_is_a_gap_from_the_last_contact_to_the_next_however_often_it_is_told():
    steps = [
        ("contact", 100 * S),
        ("interrupted", 105 * S, "cut"),
        ("interrupted", 106 * S, "again"),
        ("contact", 107 * S),
    ]
    assert gaps(*steps) == [(100 * S, 107 * S, "cut")]
    assert gaps(*steps, ("contact", 108 * S)) == gaps(*steps)


def test_a_cpa_that_was_stopped_is_a_gap_from_the_last_contact_to_the_next():
    steps = [("contact", 100 * S), ("stopped",), ("stopped",), ("contact", 300 * S)]
    assert gaps(*steps, ("contact", 301 * S)) == [(100 * S, 300 * S, STOPPED)]


def test_a_connection_cut_by_a_stop_is_one_gap():
    steps = [("contact", 100 * S), ("interrupted", 101 * S, "cut"), ("stopped",), ("contact", 103 * S)]
    assert gaps(*steps, ("contact", 104 * S)) == [(100 * S, 103 * S, "cut")]


def test_a_stop_before_any_contact_is_none_of_ours_but_one_after_an_earlier_process_is():
    assert gaps(("stopped",), ("contact", 100 * S)) == []
    assert gaps(("resume", 90 * S, None), ("stopped",), ("contact", 100 * S)) == [(90 * S, 100 * S, STOPPED)]


def test_an_end_closes_what_was_open_once():
    assert gaps(("contact", 100 * S), ("end", 110 * S), ("end", 111 * S)) == []
    cut = [("contact", 100 * S), ("interrupted", 101 * S, "cut"), ("end", 110 * S), ("end", 111 * S)]
    assert gaps(*cut) == [(100 * S, 110 * S, "cut")]
    stop = [("contact", 100 * S), ("stopped",), ("end", 110 * S), ("end", 111 * S)]
    assert gaps(*stop) == [(100 * S, 110 * S, STOPPED)]


def test_an_outage_is_one_gap_with_the_reason_that_came_first():
    steps = [("contact", 100 * S), ("interrupted", 101 * S, "cut"), ("stopped",), ("interrupted", 300 * S, "again")]
    assert gaps(*steps, ("contact", 302 * S), ("contact", 303 * S)) == [(100 * S, 302 * S, "cut")]
    assert gaps(("contact", 100 * S), *steps[2:], ("contact", 302 * S)) == [(100 * S, 302 * S, STOPPED)]


def test_an_outage_in_which_the_key_is_refused_names_both():
    cut, refused = ("interrupted", 101 * S, "It was cut."), ("paused", "The key was refused.")
    again = [("contact", 700 * S), ("contact", 701 * S)]
    both = [(100 * S, 700 * S, "It was cut. The key was refused.")]
    assert gaps(("contact", 100 * S), cut, refused, refused, *again) == both
    assert gaps(("contact", 100 * S), refused, cut, *again) == both


def test_a_pause_that_lasts_when_the_process_ends_is_a_gap_with_its_reason():
    steps = [("contact", 100 * S), ("paused", "refused"), ("paused", "still refused"), ("end", 200 * S)]
    assert gaps(*steps) == [(100 * S, 140 * S, "refused")]
    assert gaps(*steps[:-1], ("end", 150 * S)) == []


def test_a_pause_of_our_own_gives_its_reason_to_the_gap_and_to_none_later():
    steps = [("contact", 100 * S), ("paused", "full"), ("contact", 300 * S), ("contact", 500 * S)]
    assert gaps(*steps) == [(100 * S, 240 * S, "full"), (300 * S, 440 * S, UNREAD_60)]


def test_the_time_between_two_processes_counts():
    assert gaps(("resume", 100 * S, None), ("contact", 130 * S)) == []
    assert gaps(("resume", 100 * S, None), ("contact", 300 * S)) == [(100 * S, 240 * S, UNREAD_60)]


def test_a_process_that_died_subscribed_leaves_a_gap_however_short():
    assert gaps(("resume", 100 * S, 50 * S), ("contact", 101 * S)) == [(100 * S, 101 * S, DIED)]


def test_a_process_that_died_subscribed_before_it_told_of_a_contact_leaves_a_gap_from_its_subscription_on():
    assert gaps(("resume", 100 * S, 130 * S), ("contact", 140 * S)) == [(130 * S, 140 * S, DIED)]
    both = [(100 * S, 240 * S, UNREAD_60), (300 * S, 301 * S, DIED)]
    assert gaps(("resume", 100 * S, 300 * S), ("contact", 301 * S)) == both
    assert gaps(("contact", 301 * S), ("resume", 100 * S, 300 * S)) == both


def test_an_earlier_process_may_be_learnt_of_late():
    assert gaps(("contact", 300 * S), ("resume", 100 * S, None)) == [(100 * S, 240 * S, UNREAD_60)]
    assert gaps(("contact", 101 * S), ("contact", 102 * S), ("resume", 100 * S, 50 * S)) == [(100 * S, 101 * S, DIED)]
    assert gaps(("contact", 130 * S), ("resume", 100 * S, None)) == []


def test_a_subscription_that_was_not_read_for_a_while_and_is_cut_then_is_a_gap_from_the_last_contact_before():
    thawed = [("contact", 100 * S, True), ("contact", 112 * S, True), ("contact", 112 * S + 100, True)]
    cut = [*thawed, ("interrupted", 112 * S + 200, "It was cut."), ("contact", 113 * S)]
    assert gaps(*cut) == [(100 * S, 113 * S, f"It was cut. {OVERFLOWED}.")]
    assert gaps(*cut, ("contact", 114 * S, True), ("contact", 115 * S, True)) == gaps(*cut)


def test_a_subscription_that_was_not_read_for_a_while_and_goes_on_leaves_no_gap():
    steps = [("contact", second * S, True) for second in (100, *range(200, 207))]
    assert gaps(*steps) == []
    cut = [("interrupted", 207 * S, "cut"), ("contact", 208 * S)]
    assert gaps(*steps, *cut) == [(206 * S, 208 * S, "cut")]


def test_a_second_silence_before_the_first_is_cleared_up_belongs_to_the_same_gap():
    steps = [("contact", 100 * S, True), ("contact", 102 * S, True), ("contact", 110 * S, True)]
    cut = [*steps, ("interrupted", 110 * S + 100, "cut"), ("contact", 111 * S)]
    assert gaps(*cut) == [(100 * S, 111 * S, f"cut. {OVERFLOWED}.")]


def test_a_subscription_that_begins_after_a_long_silence_leaves_a_gap():
    assert gaps(("contact", 100 * S), ("contact", 200 * S, False)) == [(100 * S, 140 * S, UNREAD_60)]


def test_what_was_in_memory_alone_is_a_gap_with_its_number():
    assert gaps(("lost", 304, 100 * S, 101 * S)) == [(100 * S, 101 * S, LOST, 304)]


@pytest.fixture
def at(monkeypatch):
    """A function that sets the steady clock, in seconds."""
    return lambda seconds: monkeypatch.setattr("usage.collector.gaps.steady_us", lambda: seconds * S)


@pytest.mark.parametrize(("seconds", "silences"), [(10, (9, 10, 11)), (60, (59, 60, 61)), (3600, (61, 3600, 3601))])
def test_a_silence_is_a_gap_when_it_is_longer_than_cpa_keeps_records(seconds, silences):
    for silence in silences:
        detector = GapDetector(lambda: 0)
        detector.retention_us = seconds * S
        detector.resume(100 * S, None)
        detector.contact((100 + silence) * S)
        late = silence - seconds
        expected = [(100 * S, (100 + late) * S, UNREAD % seconds, None, None)] if late > 0 else []
        assert list(detector.found) == expected


@pytest.mark.parametrize(
    ("told", "gap"),
    [
        ([(0, 60), (50, 3600)], None),  # raised while all was still there
        ([(0, 60), (90, 3600)], (0, 30, 3600)),  # raised too late: what was older than a minute by then is gone
        ([(0, 3600), (90, 60)], (0, 140, 60)),
        ([(0, 60), (90, 3600), (150, 60), (160, 3600)], (0, 100, 3600)),
        ([(150, 3600)], None),  # it was not known before: the default was in force nowhere
        ([(0, 3600), *((n, 3600) for n in range(200))], None),
    ],
)
def test_a_retention_that_changes_counts_from_then_on(at, told, gap):
    detector = GapDetector(lambda: 0)
    detector.contact(0)
    for moment, seconds in told:
        at(moment)
        detector.retention_us = seconds * S
    detector.contact(200 * S)
    start, end, seconds = gap or (0, 0, 0)
    assert list(detector.found) == ([(start, end * S, UNREAD % seconds, None, None)] if gap else [])


def test_a_clock_that_is_set_makes_no_gap_and_moves_none():
    offset = 0
    detector = GapDetector(lambda: offset)
    detector.contact(100 * S)
    offset = 3 * 86_400 * S
    detector.contact(101 * S)
    assert (list(detector.found), detector.last) == ([], 101 * S + offset)
    detector.contact(201 * S)
    assert [gap[:3] for gap in detector.found] == [(101 * S + offset, 141 * S + offset, UNREAD_60)]


def test_the_last_contact_is_this_process_own():
    detector = GapDetector(lambda: 0)
    detector.resume(100 * S, None)
    assert detector.last is None
    detector.contact(130 * S)
    assert detector.last == 130 * S


@pytest.fixture
def path(home):
    home.mkdir()
    return home / "subscribed"


def test_it_stands_while_a_subscription_does(home, path):
    file = SubscriptionFile(home)
    stood = [path.exists()]
    for subscribed in (True, True, False, True, False):
        file.note(subscribed)
        stood.append(path.exists())
    assert (file.left_behind, stood) == (None, [False, True, True, False, True, False])


def test_one_left_behind_keeps_its_time_and_stays_until_its_gap_is_recorded(home, path):
    SubscriptionFile(home).note(True)
    began = path.stat().st_mtime_ns
    file = SubscriptionFile(home)
    file.note(True)
    file.note(False)
    assert (file.left_behind, path.stat().st_mtime_ns) == (began // 1000, began)
    file.gap_recorded()
    assert (file.left_behind, path.exists()) == (None, False)


def test_our_own_stays_when_the_gap_of_an_earlier_one_is_recorded(home, path):
    SubscriptionFile(home).note(True)
    file = SubscriptionFile(home)
    file.note(True)
    file.gap_recorded()
    assert path.exists()
    file.note(False)
    assert not path.exists()


def test_a_folder_that_cannot_be_written_keeps_no_drain_from_reading(home):
    file = SubscriptionFile(home / "missing")
    file.note(True)
    file.note(False)
