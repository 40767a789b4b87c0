"""The watch of a drain against a simulated CPA: what is told, what becomes a gap, and how it ends."""

import time

import pytest

from catalog.models import Connection, Provider
from cpa_usage.keys import fingerprint
from cpa_usage.models import Incident
from simulator.accounts import ACCOUNTS
from tests.usage.made import NOON, record
from tests.waiting import until
from usage.collector.queue import CpaQueue, Key
from usage.collector.watch import asker, rivals
from usage.models import DrainState, Event, Gap
from usage.time.units import SECOND_US

pytestmark = pytest.mark.django_db(transaction=True)

OAUTH = next(account for account in ACCOUNTS if account.oauth)


@pytest.fixture(autouse=True)
def quickly(monkeypatch, settings):
    """Rounds of a fraction of a second."""
    settings.QUEUE_MODE = "auto"
    monkeypatch.setattr(asker, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(asker, "PUBLISHED_US", 100_000)


class Traffic:
    """A CPA, its clients, and what they asked for."""

    def __init__(self, cpa, one):
        self.cpa, self.one, self.sent = cpa, one, 0

    def __call__(self, count=1, auth_index=OAUTH.auth_index):
        for _ in range(count):
            self.cpa.push(record(NOON + self.sent, auth_index=auth_index))
            self.sent += 1

    def until(self, holds):
        """One request a round until it holds."""

        def passed():
            self()
            self.settle(1)
            return holds()

        until(passed)

    def settle(self, count=4):
        """Let some rounds pass, and whatever comes be stored."""
        rounds = []

        def passed():
            if (latest := self.one.run._asker.latest) and latest not in rounds:
                rounds.append(latest)
            self.one.run._report._written_at = 0  # the step takes the round, and judges it
            self.one.step()
            return len(rounds) >= count

        until(passed)


@pytest.fixture
def traffic(cpa, begin):
    found = Traffic(cpa, begin())
    found(3)
    found.one.until_stored(3)
    found.settle()
    return found


def lasting(kind):
    return Incident.objects.filter(kind=kind, until=None).exists()


def test_another_subscriber_is_told_subscribed_beside_and_ends(cpa, traffic):
    other = CpaQueue("subscribe", Key())
    other.pop(1)
    before = traffic.sent
    traffic.until(lambda: lasting("rival"))
    assert cpa.subscribers == 2
    gap = Gap.objects.get()
    assert gap.reason == "Another program takes CPA's records"
    assert gap.lost_by == {OAUTH.auth_index: gap.lost}
    traffic.until(lambda: Event.objects.count() + gap.lost >= before)
    traffic.settle()
    lost = sum(Gap.objects.values_list("lost", flat=True))
    assert Event.objects.count() == traffic.sent - lost
    other.close()
    traffic.one.run._watch._rivals._next_at = 0  # the minute until it is looked whether the other has gone
    traffic.until(lambda: not lasting("rival") and not cpa.subscribers)
    ended = Incident.objects.get(kind="rival")
    assert ended.until > ended.since
    traffic.settle()
    assert Event.objects.count() == traffic.sent - sum(Gap.objects.values_list("lost", flat=True))


def test_requests_that_cpa_counts_and_writes_no_record_of_are_told_nowhere(cpa, traffic):
    for _ in range(15):
        cpa.count(OAUTH.auth_index, 3)
        traffic(1)
        traffic.settle(1)
        assert not Incident.objects.exists()
    traffic.settle()
    assert not Incident.objects.exists()
    assert not Gap.objects.exists()
    assert Event.objects.count() == traffic.sent


def test_over_http_a_starved_queue_says_what_to_do(cpa, begin, settings, monkeypatch):
    monkeypatch.setattr(rivals, "UNSURE_US", SECOND_US)
    settings.QUEUE_MODE = "http"
    traffic = Traffic(cpa, begin())
    traffic(1)
    traffic.one.until_stored(1)
    traffic.settle()
    other = CpaQueue("subscribe", Key())
    other.pop(1)
    traffic.until(lambda: lasting("counted"))
    assert "stop the other program" in Incident.objects.get(kind="counted").sentence
    other.close()
    traffic.until(lambda: not lasting("counted"))
    traffic.settle()
    gap = Gap.objects.get()
    assert gap.reason.startswith("CPA counts requests whose records do not come")
    assert Event.objects.count() + gap.lost >= traffic.sent - 1  # one may be on its way between two looks


def test_keys_are_counted_as_well(cpa, traffic):
    account = next(each for each in ACCOUNTS if not each.oauth and each.vendor)
    Provider.objects.create(
        auth_index=account.auth_index,
        provider_type="openai-compatibility",
        base_url=account.base_url,
        key_fingerprint=fingerprint(account.source),
    )
    traffic(2, account.auth_index)
    traffic.settle()
    other = CpaQueue("subscribe", Key())
    other.pop(1)
    for _ in range(5):
        traffic(1, account.auth_index)
        traffic.settle(1)
    traffic.until(lambda: lasting("rival"))
    assert account.auth_index in Gap.objects.get().lost_by
    other.close()


def test_statistics_that_are_off_are_told_and_the_time_becomes_a_gap_with_its_number(cpa, traffic):
    cpa.statistics_enabled = False
    traffic(7)
    until(lambda: traffic.one.step() is not None and lasting("statistics"))
    assert Connection.objects.get(pk=1).statistics_enabled is False
    cpa.statistics_enabled = True
    until(lambda: traffic.one.step() is not None and not lasting("statistics"))
    assert Connection.objects.get(pk=1).statistics_enabled is True
    traffic.settle()
    traffic.settle()
    gap = Gap.objects.get()
    assert gap.reason.startswith("CPA's usage statistics were switched off")
    assert (gap.lost, gap.lost_by) == (7, {OAUTH.auth_index: 7})
    assert not lasting("rival")


def test_a_stop_longer_than_cpa_keeps_records_is_a_gap_with_its_number(cpa, begin, traffic):
    Connection.change(retention_seconds=2)
    traffic.settle()
    traffic.one.end()
    traffic(5)
    cpa._call(cpa._state.queue.pop, 5)
    time.sleep(4)
    two = Traffic(cpa, begin())
    two.sent = traffic.sent
    two.settle()  # what comes while the counters are read would hide some of those that are missing
    two(2)
    two.one.until_stored(2)
    two.settle()
    assert list(Gap.objects.values_list("lost", flat=True)) == [5]
    assert DrainState.load().counted == {}


def test_a_cpa_whose_management_api_hangs_does_not_hold_up_reading(cpa, traffic):
    cpa.hang_paths = {"/v0/management/usage-statistics-enabled"}
    traffic(4)
    traffic.one.until_stored(7)
    assert not Incident.objects.exists()


def test_a_drain_that_died_while_statistics_were_off_leaves_the_time_to_the_next(cpa, traffic, begin):
    cpa.statistics_enabled = False
    until(lambda: traffic.one.step() is not None and lasting("statistics"))
    since = Incident.objects.get(kind="statistics").since
    traffic.one.run._last_report = lambda: None  # it dies
    traffic.one.end()
    two = begin()
    until(lambda: two.step() is not None and two.said("statistics"))
    cpa.statistics_enabled = True
    until(lambda: two.step() is not None and not two.said("statistics"))
    two.until_reported()
    assert abs(Gap.objects.get(reason__startswith="CPA's usage statistics").start - since).total_seconds() < 2
