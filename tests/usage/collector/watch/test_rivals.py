"""Whether another program takes the records, judged from rounds of a made-up CPA."""

import itertools
import random

import pytest

from usage.collector.watch.counters import Round
from usage.collector.watch.rivals import Phase, Rivals
from usage.time.units import HOUR_US, MINUTE_US, SECOND_US

ROUND_US = 5 * SECOND_US


class Cpa:
    """A CPA with one account: of each request it is decided where the record goes."""

    def __init__(self, may_subscribe=True):
        self.rivals, self.may_subscribe = Rivals(), may_subscribe
        self.counted = self.came = self.taken = self.at = 0
        self.subscribed = False
        self.rival = 0.0  # the share of records that another program takes while we pop
        self.subscriber = False  # whether it subscribes, so that it takes all of them
        self.random = random.Random(7)

    def request(self, published=True):
        self.counted += 1
        if not published:
            return
        share = 1.0 if self.subscriber else self.rival
        if not self.subscribed and self.random.random() < share:
            self.taken += 1
        else:
            self.came += 1

    def round(self, requests=0, unpublished=0):
        """Some requests, then a look at the counters; what the drain should do by then."""
        kinds = [True] * requests + [False] * unpublished
        self.random.shuffle(kinds)
        for published in kinds:
            self.request(published)
        self.at += ROUND_US
        counts = {"a": self.came}
        found = Round(self.at, {"a": self.counted}, counts, counts, True, self.subscribed)
        self.rivals.look(found, self.may_subscribe)
        self.subscribed = self.rivals.subscribe
        return self.rivals.confirmed or self.rivals.phase is Phase.UNSURE

    def seconds_until(self, told, limit=400, **traffic):
        """Seconds until it is told, or is no longer."""
        for number in range(1, limit):
            if self.round(**traffic) == told:
                return number * 5
        raise AssertionError("never")

    @property
    def lost(self):
        return sum(sum(loss.by.values()) for loss in self.rivals.losses)


@pytest.fixture
def cpa():
    found = Cpa()
    [found.round(2) for _ in range(3)]
    return found


@pytest.mark.parametrize("requests", [1, 2, 20])
def test_a_subscriber_is_found_within_a_minute_and_what_it_took_is_told(cpa, requests):
    cpa.subscriber = True
    assert cpa.seconds_until(True, requests=requests) <= 45
    assert cpa.subscribed
    assert cpa.lost == cpa.taken > 0


@pytest.mark.parametrize("share", [0.84, 0.5])
def test_another_that_pops_is_found_and_what_it_took_is_told(cpa, share):
    cpa.rival = share
    assert cpa.seconds_until(True, requests=4) <= 45
    assert cpa.lost == cpa.taken > 0


def test_a_subscriber_is_found_among_requests_that_have_no_record(cpa):
    cpa.subscriber = True
    assert cpa.seconds_until(True, requests=4, unpublished=1) <= 60
    assert cpa.subscribed
    assert 0.7 * cpa.taken <= cpa.lost <= 1.3 * cpa.taken
    cpa.subscriber = False
    cpa.seconds_until(False, requests=4, unpublished=1, limit=2000)


def test_a_slow_trickle_is_found_as_well(cpa):
    cpa.subscriber = True
    for _ in range(6):
        cpa.round(1)
        cpa.round()
    assert cpa.rivals.confirmed


def test_it_ends_by_itself_when_the_other_has_gone(cpa):
    cpa.subscriber = True
    cpa.seconds_until(True, requests=2)
    cpa.subscriber = False
    assert cpa.seconds_until(False, requests=2) <= 120
    assert (cpa.rivals.phase, cpa.subscribed, cpa.lost) == (Phase.CALM, False, cpa.taken)


def test_looking_whether_it_has_gone_costs_little_and_is_told(cpa):
    cpa.subscriber = True
    cpa.seconds_until(True, requests=2)
    first = cpa.taken
    assert all(cpa.round(2) for _ in range(12 * 60))  # an hour in which it stays
    assert cpa.lost == cpa.taken
    assert 0 < cpa.taken - first <= 40
    losses = cpa.rivals.losses
    assert all(one.end <= other.start for one, other in itertools.pairwise(losses))


def test_while_there_is_much_traffic_it_is_seldom_looked(cpa):
    cpa.subscriber = True
    cpa.seconds_until(True, requests=40)
    assert all(cpa.round(40) for _ in range(12 * 60))
    assert cpa.lost == cpa.taken
    assert len(cpa.rivals.losses) <= 4
    cpa.subscriber = False
    assert cpa.seconds_until(False, requests=40, limit=2000) <= 45 * 60


@pytest.mark.parametrize("seed", range(100))
def test_requests_that_cpa_counts_and_writes_no_record_of_are_no_alarm(seed):
    """Ten minutes of traffic as agents make it: requests with bursts of count_tokens and streams without usage."""
    cpa = Cpa()
    cpa.random.seed(seed)
    draw = random.Random(seed)
    for _ in range(120):
        burst = draw.choice([0, 0, 1, 2, 5, 20])
        assert not cpa.round(draw.choice([0, 1, 3, 8]), burst)
    assert cpa.lost == 0


def test_nothing_but_requests_without_a_record_is_no_alarm():
    cpa = Cpa()
    assert not any(cpa.round(0, 3) for _ in range(120))
    assert cpa.rivals.phase is Phase.UNWRITTEN


def test_one_burst_of_them_changes_nothing(cpa):
    cpa.round(2, 30)
    assert not any(cpa.round(2) for _ in range(200))
    assert (cpa.rivals.phase, cpa.subscribed) == (Phase.CALM, False)


def test_after_an_hour_of_them_popping_is_tried_again(cpa):
    [cpa.round(1, 2) for _ in range(6)]
    assert cpa.rivals.phase is Phase.UNWRITTEN
    [cpa.round(1) for _ in range(HOUR_US // ROUND_US)]
    assert (cpa.rivals.phase, cpa.subscribed) == (Phase.CALM, False)


@pytest.mark.parametrize("unpublished", [0, 1])
def test_where_we_cannot_subscribe_a_starved_queue_is_doubtful_and_ends(unpublished):
    cpa = Cpa(may_subscribe=False)
    cpa.round(2)
    cpa.subscriber = True
    assert cpa.seconds_until(True, requests=2, unpublished=unpublished) <= 30
    assert (cpa.rivals.phase, cpa.rivals.confirmed, cpa.subscribed) == (Phase.UNSURE, False, False)
    cpa.subscriber = False
    assert cpa.seconds_until(False, requests=2, unpublished=unpublished) <= 40
    assert not any(loss.sure for loss in cpa.rivals.losses)
    assert cpa.lost >= cpa.taken


@pytest.mark.parametrize("requests", [1, 3])
def test_where_we_cannot_subscribe_some_requests_without_a_record_are_no_alarm(requests):
    cpa = Cpa(may_subscribe=False)
    assert not any(cpa.round(requests, 1) for _ in range(120))


def test_a_burst_that_was_taken_and_nothing_after_it_is_told_as_doubtful(cpa):
    cpa.subscriber = True
    cpa.round(16)
    [cpa.round() for _ in range(HOUR_US // ROUND_US + 1)]
    (loss,) = cpa.rivals.losses
    assert (loss.by, loss.sure) == ({"a": 16}, False)


def test_a_known_gap_is_why_and_is_told_how_many(cpa):
    told = []
    counts = {"a": cpa.came}
    found = Round(cpa.at + MINUTE_US, {"a": cpa.counted + 9}, counts, counts, True, False)
    cpa.rivals.look(found, True, lambda missing: told.append(missing) or True)
    assert (told, cpa.rivals.missing) == ([{"a": 9}], {})
    cpa.counted += 9
    assert not any(cpa.round(1) for _ in range(10))
