"""kill -9 at random moments, under load, in each mode: what was spooled is stored, once, and the totals hold."""

import time
from hashlib import blake2b
from random import Random

import pytest

from tests.usage.drain.conftest import cpa, home, run  # noqa: F401  fixtures
from tests.usage.drain.process import AT_WORK
from tests.usage.drain.test_process import traffic
from tests.usage.queue.conftest import until
from usage.drain.continuity import DIED
from usage.models import DeadLetter, DrainState, Event, Gap
from usage.rebuild import check
from usage.spool import _parse

KILLS, SOAK_KILLS = 10, 67  # in each of three modes
LIMIT = 100  # records asked for at once
# What may be on the wire when the reader dies: a reply that was popped and not yet spooled; for a subscriber what CPA
# had written to its socket, of which one gathering of 50 ms and what came while it was spooled are the most.
WIRE = {"pop": LIMIT, "http": LIMIT, "subscribe": 400}


def names(items):
    return {blake2b(raw, digest_size=16).digest() for raw in items}


def stored():
    return {bytes(raw) for raw in Event.objects.values_list("fingerprint", flat=True)}


def spooled(folder):
    """What a dead drain left behind, whole batches and the written part of one in the making."""
    files = [*folder.glob("*.batch"), *folder.glob("*.part")]
    return names(raw for path in files for _, raw in _parse(path.read_bytes())[0])


def run_and_kill(run, home, mode, seconds):  # noqa: F811
    """Start a drain, kill it after so long at work, the first time not before its report; what it had only spooled."""
    drain = run(QUEUE_MODE=mode, REDIS_QUEUE_BATCH_SIZE=str(LIMIT))
    drain.says(AT_WORK)
    until(lambda: DrainState.load().mode == mode, 20)
    time.sleep(seconds)
    drain.kill()
    return spooled(home)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", ("pop", "subscribe", "http"))
def test_a_killed_drain_loses_nothing_it_spooled_and_doubles_nothing(cpa, run, home, mode, soak):  # noqa: F811
    moments, kills = Random(mode), SOAK_KILLS if soak else KILLS
    kept, seen = set(), set()
    with traffic(cpa, rate=400) as delivered:
        for _ in range(kills):
            kept |= run_and_kill(run, home, mode, moments.uniform(0, 0.4))
            seen |= stored()
        drain = run(QUEUE_MODE=mode)
        drain.says(AT_WORK)
        until(lambda: len(stored()) > len(seen), 20)
    assert drain.stop() == 0
    lost = len(delivered) - cpa.queued - len(stored())
    assert kept - stored() == set()  # nothing that was spooled is lost
    assert seen - stored() == set()  # nor what was stored already
    assert stored() <= names(delivered)
    assert 0 <= lost <= kills * WIRE[mode]
    assert len(kept) > 0  # some kill came between spooling and storing, or the test shows nothing
    assert (list(check()), spooled(home), DeadLetter.objects.count()) == ([], set(), 0)
    if mode == "subscribe":
        assert Gap.objects.filter(reason=DIED).exists()
