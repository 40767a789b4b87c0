"""Whether another program takes all records: told from CPA's own counters, and only when nothing else explains it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from catalog.models import Connection
from tests.usage.made import NOON, record
from tests.waiting import PATIENCE, until
from usage.collector.metadata import STARVED, Starvation
from usage.collector.queue import CpaQueue, Key

T = [datetime(2026, 11, 24, 4, n, tzinfo=UTC) for n in range(6)]


@pytest.mark.parametrize(
    ("rounds", "answers"),
    [
        ([(T[0], 5, 0), (T[1], 6, 0), (T[2], 7, 0)], [False, False, True]),
        ([(T[0], 5, 0), (T[0], 6, 0), (T[0], 7, 0)], [False, False, False]),  # one round looked at three times
        ([(T[0], 5, 0), (T[1], 6, 0), (T[2], 6, 0), (T[3], 7, 0)], [False, False, False, True]),
        ([(T[0], 5, 0), (T[1], 6, 0), (T[2], 7, 1)], [False, False, False]),  # something was popped
        ([(None, None, 0), (T[0], 5, 0), (T[1], 6, 0), (T[2], 7, 0)], [False, False, False, True]),
        ([(T[0], 5, 0), (T[1], 0, 0), (T[2], 1, 0), (T[3], 1, 0)], [False, False, False, False]),  # CPA restarted
        ([(T[0], 5, 0), (T[1], 6, 0), (T[2], 7, 0), (T[2], 7, 0), (T[2], 7, 1)], [False, False, True, True, False]),
    ],
)
def test_two_rounds_that_moved_with_nothing_popped_are_starvation(rounds, answers):
    starvation = Starvation()
    assert [starvation.check(*one) for one in rounds] == answers


def synced(attempts, **fields):
    """CPA's counters as a metadata round found them."""
    Connection.objects.update_or_create(
        pk=1, defaults={"attempts_counted": attempts, "last_sync_at": timezone.now(), **fields}
    )


def looked(one):
    one.run._report._written_at = 0
    until(lambda: one.step().reported)


@pytest.mark.django_db(transaction=True)
def test_in_mode_auto_a_starved_drain_says_so_and_subscribes_as_well(cpa, begin, settings):
    settings.QUEUE_MODE = "auto"
    other = CpaQueue("subscribe", Key())
    other.pop(1)
    one = begin()
    for attempts in (5, 6, 7):
        synced(attempts)
        looked(one)
    assert one.run.state.errors.latest.sentence == f"{STARVED} Subscribing as well."
    until(lambda: cpa.subscribers == 2)
    cpa.push(record(NOON))
    one.until_stored(1)
    other.close()


@pytest.mark.django_db(transaction=True)
def test_in_mode_pop_a_starved_drain_says_what_to_set(cpa, begin, settings):
    settings.QUEUE_MODE = "pop"
    one = begin()
    for attempts in (5, 6, 7):
        synced(attempts)
        looked(one)
    assert one.run.state.errors.latest.sentence.startswith(f"{STARVED} Set QUEUE_MODE")
    assert not one.run.state.starved


@pytest.mark.django_db(transaction=True)
def test_statistics_that_are_off_explain_an_empty_queue(cpa, begin, settings):
    settings.QUEUE_MODE = "auto"
    one = begin()
    for attempts in (5, 6, 7):
        synced(attempts, statistics_enabled=False)
        looked(one)
    assert not one.run.state.starved
    assert timezone.now() - one.run.state.errors.latest.at < timedelta(seconds=PATIENCE)
