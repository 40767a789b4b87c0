"""The reader, a step at a time: what it asks for, a full or failing spool, and a CPA that comes back between steps."""

import threading
from contextlib import contextmanager

import pytest

from tests.usage.collector.scripted import last
from tests.usage.collector.spooled import batches
from tests.waiting import until
from usage.collector.queue import CpaQueue, Key
from usage.collector.queue.resp import RESTARTED
from usage.collector.reader import REPLY_BYTES, Reader, ReaderState
from usage.collector.spool import Spool
from usage.time.units import SECOND_US

RECORDS = [b'{"n":%d}' % n for n in range(100, 200)]
MODES = ("pop", "subscribe", "http")


@pytest.fixture
def spool(home):
    return Spool(home)


@pytest.fixture
def state():
    return ReaderState()


@pytest.fixture
def reader(spool, state):
    """A function that makes the reader for a mode."""
    return lambda mode: Reader(CpaQueue(mode, Key()), spool, state)


@pytest.fixture
def at(set_clock, monkeypatch):
    """A function that sets the clocks, in seconds."""

    def set_to(seconds):
        set_clock(seconds * SECOND_US)
        for module in ("reader", "gaps"):
            monkeypatch.setattr(f"usage.collector.{module}.steady_us", lambda: seconds * SECOND_US)

    return set_to


@pytest.fixture
def disk_full(monkeypatch):
    """A context in which nothing can be written to the spool."""

    def full(*arguments):
        raise OSError(28, "No space left on device")

    @contextmanager
    def during():
        with monkeypatch.context() as patch:
            patch.setattr("usage.collector.framing.zlib.crc32", full)
            yield

    return during


def end(reader):
    """What the reader's thread does when it is told to stop."""
    stopping = threading.Event()
    stopping.set()
    reader.run(stopping)


def spooled(spool):
    return [raw for batch in batches(spool) for raw in batch]


def sizes_of_replies(cpa, reader, count, size):
    """How many records each step popped until `count` of `size` bytes were."""
    cpa.push(*[b'"%b"' % (b"x" * (size - 2))] * count)
    counts = []
    while sum(counts) < count:
        counts.append(reader.step().records)
    return counts


@pytest.mark.parametrize("mode", MODES)
def test_the_queue_counts_as_emptied_only_once_what_came_last_is_counted(cpa, reader, state, monkeypatch, mode):
    one, counting = reader(mode), state.received.add
    until(lambda: one.step() and state.emptied_at)  # a subscription begins with what was queued before
    cpa.push(*RECORDS[:3])
    counted = before = 0

    def count(records):
        nonlocal counted
        counted += len(records)
        assert state.emptied_at == before
        counting(records)

    def counted_all():
        nonlocal before
        before = state.emptied_at
        return one.step() and counted == 3

    monkeypatch.setattr(state.received, "add", count)
    until(counted_all)
    assert state.emptied_at > before


@pytest.mark.parametrize("mode", ("pop", "http"))
def test_more_are_asked_for_as_long_as_replies_are_full_and_nothing_is_waited_for_meanwhile(cpa, reader, spool, mode):
    cpa.push(*RECORDS)
    one = reader(mode)
    steps = [one.step() for _ in range(3)]
    assert [(step.records, step.wait > 0) for step in steps] == [(10, False), (40, False), (50, True)]
    assert batches(spool) == [RECORDS[:10], RECORDS[10:50], RECORDS[50:]]


def test_no_more_are_asked_for_than_is_set(cpa, reader, settings):
    settings.REDIS_QUEUE_BATCH_SIZE = 4
    assert sizes_of_replies(cpa, reader("pop"), 10, 10) == [4, 4, 2]


@pytest.mark.parametrize("mode", ("pop", "http"))
def test_large_records_are_asked_for_by_few_and_small_ones_by_many_again(cpa, reader, mode):
    one, large = reader(mode), REPLY_BYTES // 3
    assert sizes_of_replies(cpa, one, 16, large) == [10, 3, 3]
    assert sizes_of_replies(cpa, one, 55, 10) == [3, 12, 40]
    cpa.push(b"x")
    assert one.step().records == 1
    assert sizes_of_replies(cpa, one, 13, large) == [10, 3]  # after a small reply few are asked for


@pytest.mark.parametrize("mode", MODES)
def test_a_spool_that_is_full_takes_no_more_until_it_drains(cpa, reader, spool, monkeypatch, mode):
    monkeypatch.setattr("usage.collector.draft.GROUP_SECONDS", 0)
    spool.max_bytes = 100
    cpa.push(*RECORDS[:10])
    one = reader(mode)
    while not (error := one.step().error):
        pass
    assert error.startswith("The spool is full ")
    cpa.push(*RECORDS[10:20])
    assert one.step().error.startswith("The spool is full ")
    assert (cpa.queued, spooled(spool)) == (10, RECORDS[:10])
    for path in spool.pending():
        spool.remove(path)
    while len(spooled(spool)) < 10:
        one.step()
    end(one)
    assert spooled(spool) == RECORDS[10:20]


@pytest.mark.parametrize("mode", MODES)
def test_a_contact_is_when_the_queue_was_asked_however_late_it_answers(cpa, reader, state, at, mode):
    at(100)
    reader(mode).step()
    assert state.gaps.last == 100 * SECOND_US
    at(200)
    reader(mode).step()
    assert [gap[:2] for gap in state.gaps.found] == [(100 * SECOND_US, 140 * SECOND_US)]


@pytest.mark.parametrize("mode", MODES)
def test_what_a_failing_disk_did_not_take_is_held_and_nothing_more_is_popped(cpa, reader, spool, disk_full, mode):
    one = reader(mode)
    one.step()
    with disk_full():
        cpa.push(*RECORDS[:5])
        while not one.step().error:
            pass
        cpa.push(*RECORDS[5:10])
        assert one.step().error
        assert (cpa.queued, spooled(spool), list(spool.directory.glob("*.part"))) == (5, RECORDS[:5], [])
    one.step()
    assert (batches(spool), len(spool.held)) == ([RECORDS[:1], RECORDS[1:3], RECORDS[3:5]], 0)
    while len(spooled(spool)) < 10:
        one.step()
    end(one)
    assert spooled(spool) == RECORDS[:10]


def test_what_the_database_took_from_memory_lets_popping_go_on(cpa, reader, spool, disk_full):
    cpa.push(*RECORDS[:20])
    one = reader("pop")
    with disk_full():
        assert one.step().records == 10
        for path in spool.pending():
            spool.remove(path)
        assert (one.step().records, spooled(spool)) == (10, RECORDS[10:20])


@pytest.mark.parametrize("mode", ("pop", "http"))
def test_a_stop_tries_a_failed_disk_again(cpa, reader, spool, disk_full, mode):
    cpa.push(*RECORDS[:5])
    one = reader(mode)
    with disk_full():
        assert one.step().error
    end(one)
    assert (spooled(spool), len(spool.held)) == (RECORDS[:5], 0)


def test_what_a_disk_without_room_for_all_takes_is_written_in_pieces(cpa, reader, spool, monkeypatch):
    room = 0

    def write(handle):
        if sum(path.stat().st_size for path in spool.directory.glob("*.part")) > room:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("usage.collector.draft.os.fsync", write)
    cpa.push(*RECORDS[:10])
    one = reader("pop")
    assert one.step().error
    room = 60  # enough for one record, not for two
    for left in (9, 8):
        assert one.step().error
        assert spool.held.in_hand().count == left
    room = 10_000
    assert one.step().error == ""
    assert sorted(spooled(spool)) == RECORDS[:10]


def test_a_reply_that_breaks_off_is_a_gap_from_the_latest_contact_to_the_next(scripted, reader, spool, state, at):
    empty = b"*0\r\n"
    scripted.replies = [b"+OK\r\n", empty, last(b"*2\r\n$1\r\n1\r\n$9"), b"+OK\r\n", empty]
    one, steps = reader("pop"), []
    for seconds in (100, 101, 102):
        at(seconds)
        steps.append(one.step())
    assert [step.error[:40] for step in steps] == ["", "The connection to CPA's queue broke: Con", ""]
    assert [gap[:3] for gap in state.gaps.found] == [(100 * SECOND_US, 102 * SECOND_US, steps[1].error)]
    assert spooled(spool) == []


def test_a_cpa_restarted_between_two_pops_leaves_a_gap_from_the_latest_contact(cpa, reader, spool, state):
    one = reader("pop")
    one.step()
    before = state.gaps.last
    cpa.push(*RECORDS[:5])
    cpa.stop()
    cpa.start()
    cpa.push(*RECORDS[5:8])
    assert one.step().error == f"{RESTARTED}."
    one.step()
    assert batches(spool) == [RECORDS[5:8]]
    end(one)
    assert [gap[:3] for gap in state.gaps.found] == [(before, state.gaps.last, f"{RESTARTED}.")]


def test_of_a_record_that_is_too_long_the_beginning_is_kept(cpa, reader, spool, monkeypatch, caplog):
    monkeypatch.setattr("usage.collector.reader.LONGEST_RECORD", 1_048_576)
    whole, longer = b'"%b"' % (b"w" * 1_048_574), b'"%b"' % (b"l" * 1_048_575)
    cpa.push(whole, longer)
    reader("http").step()
    assert spooled(spool) == [whole, b"Cut from 1048577 bytes to the first 65536: " + longer[:65_536]]
    assert "A record of 1 MB was cut; a dead letter keeps its first 64 kB." in caplog.messages
