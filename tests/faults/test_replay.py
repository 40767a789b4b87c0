"""The whole spool again, in any order, any number of times: no total changes."""

from random import Random

import pytest

from tests.usage.collector.spooled import append
from tests.usage.made import CAPTURED, NOON, record, rollups
from usage.collector.spool import Spool
from usage.collector.storer import Storer
from usage.ingest.writer import Writer
from usage.models import DeadLetter, DrainState, Event
from usage.rollups.check import check

pytestmark = pytest.mark.django_db


def batches():
    """Records of every kind in batches: captured ones, retries of one request across batches, and unreadable ones."""
    retries = [record(NOON + n * 1000, request_id="abcd0001", failed=n < 5, latency_ms=10) for n in range(6)]
    everything = [*CAPTURED, *retries, b"nonsense", b'{"tokens": {"input_tokens": "x"}}', CAPTURED[0]]
    return [everything[start : start + 20] for start in range(0, len(everything), 20)]


def state():
    """All that is shown of what was stored."""
    return (
        rollups(),
        sorted(Event.objects.values_list("timestamp", "fingerprint", "final", "series_id")),
        sorted(DeadLetter.objects.values_list("fingerprint", "raw")),
        DrainState.load().total_inserted,
    )


def store(folder, spooled):
    """A drain that starts on a spool of these batches and stores it."""
    spool = Spool(folder)
    for number, batch in spooled:
        append(spool, NOON + number, batch)
    storer = Storer(spool, Writer())
    while storer.step():
        pass
    assert (spool.depth, spool.bytes) == (0, 0)


def test_replays_of_the_whole_spool_change_nothing(tmp_path, soak):
    spooled = list(enumerate(batches()))
    store(tmp_path, spooled)
    before, random = state(), Random(8)
    assert before[3] > len(CAPTURED) - 1
    for _ in range(100 if soak else 8):
        again = spooled * random.randint(1, 3)
        random.shuffle(again)
        store(tmp_path, [(number, random.sample(batch, len(batch))) for number, batch in again])
        assert state() == before
    assert list(check()) == []
