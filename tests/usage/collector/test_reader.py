"""The reader, a step at a time: large replies in parts, and a CPA that comes back between two steps."""

import threading

import pytest

from usage.collector import intake
from usage.collector.progress import Progress
from usage.collector.queue import Doors, Key
from usage.collector.reader import REST_LOST, Reader
from usage.collector.spool import Spool

RECORDS = [b'{"n":%d}' % n for n in range(100, 200)]
S = 1_000_000  # µs
SMALL_PARTS = 50  # bytes: six of these records


@pytest.fixture
def spool(home):
    return Spool(home)


@pytest.fixture
def progress():
    return Progress()


@pytest.fixture
def reader(spool, progress):
    """A function that makes the reader for a mode."""
    return lambda mode: Reader(Doors(mode, Key()), spool, progress)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    for module in ("http", "resp", "replies"):  # http is imported here, with the usual size
        monkeypatch.setattr(f"usage.collector.queue.{module}.PART_BYTES", SMALL_PARTS)


@pytest.fixture
def at(monkeypatch):
    """A function that sets the reader's clock, in seconds."""
    return lambda seconds: monkeypatch.setattr("usage.collector.reader._now", lambda: seconds * S)


def spooled(spool):
    """The records of each batch."""
    return [[raw for _, raw in spool.read(path)] for path in spool.pending()]


def end(reader):
    """What the reader's thread does when it is told to stop."""
    stopping = threading.Event()
    stopping.set()
    reader.run(stopping)


@pytest.mark.parametrize("mode", ("pop", "http"))
def test_a_reply_in_parts_is_one_batch_and_nothing_is_waited_for_meanwhile(cpa, reader, spool, mode):
    cpa.push(*RECORDS[:20])
    one = reader(mode)
    steps = [one.step() for _ in range(4)]
    assert [step.wait > 0 for step in steps] == [False, False, False, True]  # fewer came than were asked for
    assert (sum(step.records for step in steps), spooled(spool)) == (20, [RECORDS[:20]])


def test_after_a_full_reply_in_parts_the_next_is_asked_for_at_once(cpa, reader, spool, settings):
    settings.REDIS_QUEUE_BATCH_SIZE = 10
    cpa.push(*RECORDS[:20])
    one = reader("pop")
    steps = [one.step() for _ in range(5)]
    assert [step.wait > 0 for step in steps] == [False, False, False, False, True]
    assert spooled(spool) == [RECORDS[:10], RECORDS[10:20]]


def test_a_group_that_grew_large_is_sealed_before_the_reply_is_at_its_end(cpa, reader, spool, monkeypatch):
    monkeypatch.setattr(intake, "GROUP_BYTES", 2 * SMALL_PARTS)
    monkeypatch.setattr(intake, "GROUP_SECONDS", 3600)
    cpa.push(*RECORDS[:20])
    one = reader("pop")
    for _ in range(4):
        one.step()
    assert spooled(spool) == [RECORDS[:12], RECORDS[12:20]]


@pytest.mark.parametrize("mode", ("pop", "subscribe", "http"))
def test_a_spool_that_is_full_midway_takes_the_rest_and_nothing_more(cpa, reader, spool, monkeypatch, mode):
    monkeypatch.setattr(intake, "GROUP_BYTES", 1)
    spool.max_bytes = 100
    cpa.push(*RECORDS[:20])
    one = reader(mode)
    assert [one.step().records for _ in range(2)] == [6, 0]
    assert [raw for batch in spooled(spool) for raw in batch] == RECORDS[:20]
    cpa.push(*RECORDS[20:30])
    assert one.step().error.startswith("The spool is full ")
    assert cpa.queued == 10
    end(one)
    assert [raw for batch in spooled(spool) for raw in batch] == RECORDS[:20]


@pytest.mark.parametrize("mode", ("pop", "http"))
def test_only_a_question_counts_as_a_contact_however_late_its_answer_is_read(cpa, reader, progress, at, mode):
    cpa.push(*RECORDS[:20])
    one = reader(mode)
    at(100)
    one.step()
    at(150)
    assert progress.continuity.last is None
    end(one)
    assert progress.continuity.last == 100 * S
    at(200)
    reader(mode).step()  # of the next drain
    assert [span[:2] for span in progress.continuity.spans] == [(100 * S, 140 * S)]


def test_a_rest_that_breaks_off_leaves_a_gap_from_the_latest_complete_answer(cpa, reader, progress, monkeypatch, at):
    monkeypatch.setattr("usage.collector.queue.replies.PART_BYTES", 1_000_000)
    one = reader("pop")
    at(100)
    one.step()
    cpa.push(*[b'"%b"' % (b"x" * 1_000_000)] * 50)  # more than the sockets hold
    at(110)
    one.step()
    cpa.drop_connections()
    at(111)
    while not one.step().error:
        pass
    at(112)
    one.step()
    assert [span[:2] for span in progress.continuity.spans] == [(100 * S, 112 * S)]


@pytest.mark.parametrize("mode", ("pop", "http"))
def test_a_stop_tries_a_failed_disk_again_and_spools_the_rest(cpa, reader, spool, monkeypatch, mode):
    cpa.push(*RECORDS[:20])
    one = reader(mode)
    with monkeypatch.context() as patch:
        patch.setattr("usage.collector.spool.zlib.crc32", _disk_full)
        assert one.step().error
    end(one)
    assert [raw for batch in spooled(spool) for raw in batch] == RECORDS[:20]


def test_a_rest_that_no_disk_takes_before_the_end_is_a_gap(cpa, reader, progress, monkeypatch, at):
    one = reader("pop")
    at(100)
    one.step()
    cpa.push(*RECORDS[:20])
    at(101)
    monkeypatch.setattr("usage.collector.spool.zlib.crc32", _disk_full)
    one.step()
    at(110)
    end(one)
    progress.continuity.end(111 * S)
    assert list(progress.continuity.spans) == [(100 * S, 111 * S, REST_LOST)]


@pytest.mark.parametrize("mode", ("pop", "subscribe", "http"))
def test_a_disk_that_fails_midway_keeps_the_rest_waiting_until_it_is_free(cpa, reader, spool, monkeypatch, mode):
    cpa.push(*RECORDS[:20])
    one = reader(mode)
    with monkeypatch.context() as patch:
        patch.setattr("usage.collector.spool.zlib.crc32", _disk_full)
        assert [bool(one.step().error) for _ in range(2)] == [True, True]
    one.step()
    assert spooled(spool) == [RECORDS[:6]]
    end(one)
    assert [raw for batch in spooled(spool) for raw in batch] == RECORDS[:20]


def _disk_full(*arguments):
    raise OSError(28, "No space left on device")


def test_a_reply_that_breaks_off_in_its_rest_leaves_a_gap_and_what_was_read_is_spooled(
    cpa, reader, spool, progress, monkeypatch
):
    cpa.push(*[b'"%b"' % (b"x" * 1_000_000)] * 50)  # more than the sockets hold
    one = reader("pop")
    one.step()
    cpa.drop_connections()
    while not (error := one.step().error):
        pass
    assert error.startswith("The connection to CPA's queue broke: ")
    one.step()
    assert 1 <= sum(map(len, spooled(spool))) < 50
    assert [span.reason for span in progress.continuity.spans] == [error]


def test_a_cpa_restarted_between_two_pops_leaves_a_gap_from_the_latest_contact(cpa, reader, spool, progress):
    one = reader("pop")
    one.step()
    before = progress.continuity.last
    cpa.push(*RECORDS[:5])
    cpa.stop()
    cpa.start()
    cpa.push(*RECORDS[5:8])
    assert one.step().error.startswith("CPA closed the connection between two pops: if it was restarted, ")
    one.step()
    assert spooled(spool) == [RECORDS[5:8]]
    (span,) = progress.continuity.spans
    assert (span.start, span.end) == (before, progress.continuity.last)
    assert (
        span.reason
        == "CPA closed the connection between two pops: if it was restarted, what waited in its queue is lost."
    )
    end(one)
    assert len(progress.continuity.spans) == 1
