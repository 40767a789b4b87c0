"""The way to the disk: written at once, sealed in groups, and after a disk that failed all of it again."""

import pytest

from usage.collector import intake
from usage.collector.intake import Intake
from usage.collector.spool import Spool


@pytest.fixture
def spool(home):
    return Spool(home)


@pytest.fixture
def hand(spool, clock):
    return Intake(spool, clock)


def records(spool):
    return [record for path in spool.pending() for record in spool.read(path)]


def test_a_group_is_ripe_so_long_after_its_first_record(hand, spool, clock):
    assert not hand.ripe
    hand.add(1, [b"a"])
    clock.now += 0.04
    hand.add(2, [b"b"])
    assert (hand.ripe, records(spool)) == (False, [])
    clock.now += 0.02
    assert (hand.ripe, hand.seal(), len(hand), hand.ripe) == (True, 2, 0, False)
    assert records(spool) == [(1, b"a"), (2, b"b")]


def test_a_large_group_is_ripe_at_once(hand, monkeypatch):
    monkeypatch.setattr(intake, "GROUP_BYTES", 5)
    hand.add(1, [b"abc"])
    assert not hand.ripe
    hand.add(1, [b"de"])
    assert hand.ripe


def test_nothing_is_no_group(hand, clock):
    hand.add(1, [])
    clock.now += 10
    assert (len(hand), hand.ripe) == (0, False)


@pytest.mark.parametrize("fails", ("write", "seal"))
def test_what_a_failing_disk_took_is_written_anew_with_what_came_meanwhile(hand, spool, monkeypatch, fails):
    hand.add(1, [b"a"])
    with monkeypatch.context() as patch:
        patch.setattr(
            "usage.collector.spool.os.fsync" if fails == "seal" else "usage.collector.spool.zlib.crc32", _full
        )
        with pytest.raises(OSError, match="No space left"):
            hand.add(2, [b"b"]) or hand.seal()
        assert (hand.failed, list(spool.directory.iterdir())) == (True, [])
        hand.add(3, [b"c"])
        with pytest.raises(OSError, match="No space left"):
            hand.seal()
    assert (hand.seal(), hand.failed, len(hand)) == (3, False, 0)
    assert records(spool) == [(1, b"a"), (2, b"b"), (3, b"c")]


def _full(*arguments):
    raise OSError(28, "No space left on device")
