"""kill -9 at random moments and one chosen, under load, in each mode: what was spooled is stored, once, and exactly."""

import os
import signal
import time
from hashlib import blake2b
from random import Random

import pytest

from tests.usage.collector.process import AT_WORK, traffic
from tests.usage.collector.spooled import files, left_in
from tests.waiting import until
from usage.collector.gaps import DIED
from usage.models import DeadLetter, DrainState, Event, Gap
from usage.rollups.check import check

KILLS, SOAK_KILLS = 10, 67  # in each of three modes
LIMIT = 20  # records in a reply at most
RATE = 500  # records a second
# What a kill may cost: the one reply that was popped and not yet spooled. A subscriber pops what was queued before it
# came; besides, it may lose what reached its socket in a tenth of a second, while it waited for disk or processor.
LOST_PER_KILL = {"pop": LIMIT, "http": LIMIT, "subscribe": LIMIT + RATE // 10}


def names(items):
    return {blake2b(raw, digest_size=16).digest() for raw in items}


def stored():
    return {bytes(raw) for raw in Event.objects.values_list("fingerprint", flat=True)}


def spooled(folder):
    """What a drain that is dead or halted has in its spool."""
    return names(left_in(folder))


def at_work(start, mode):
    """A drain at work; the first one has reported, so that a successor knows what it was at."""
    drain = start(QUEUE_MODE=mode, REDIS_QUEUE_BATCH_SIZE=str(LIMIT))
    drain.says(AT_WORK)
    until(lambda: DrainState.load().mode == mode)
    return drain


def kill_at(drain, home, seconds):
    """Kill it after so long at work; what it had only spooled."""
    time.sleep(seconds)
    drain.kill()
    return spooled(home)


def kill_between_spooling_and_storing(drain, home):
    """Halt it again and again, until its spool then holds records that the database does not, and kill it there."""

    def caught():
        drain.popen.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, drain.popen.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if found := spooled(home) - stored():
            drain.kill()
        else:
            drain.popen.send_signal(signal.SIGCONT)
        return found

    return until(caught)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", ("pop", "subscribe", "http"))
def test_a_killed_drain_loses_nothing_it_spooled_and_doubles_nothing(cpa, start, home, mode, soak):
    moments, kills = Random(mode), SOAK_KILLS if soak else KILLS
    seen = set()
    with traffic(cpa, RATE) as delivered:
        kept = kill_between_spooling_and_storing(at_work(start, mode), home)
        for _ in range(kills - 1):
            kept |= kill_at(at_work(start, mode), home, moments.uniform(0, 0.4))
            seen |= stored()
        drain = at_work(start, mode)
        until(lambda: len(stored()) > len(seen))
    until(lambda: not cpa.queued and not files(home))
    assert drain.stop() == 0
    lost = len(delivered) - cpa.queued - len(stored())
    assert kept - stored() == set()  # nothing that was spooled is lost
    assert seen - stored() == set()  # nor what was stored already
    assert stored() <= names(delivered)
    assert 0 <= lost <= kills * LOST_PER_KILL[mode]
    assert (list(check()), spooled(home), DeadLetter.objects.count()) == ([], set(), 0)
    if mode == "subscribe":
        assert Gap.objects.filter(reason=DIED).exists()
