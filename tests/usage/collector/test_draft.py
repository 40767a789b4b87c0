"""The draft: written at once, sealed in groups, and written again as a whole after a disk that failed."""

import pytest

from usage.collector import draft
from usage.collector.draft import Draft
from usage.collector.spool import Spool


@pytest.fixture
def spool(home):
    return Spool(home)


@pytest.fixture
def batch(spool, clock):
    return Draft(spool, clock)


def records(spool):
    return [record for path in spool.pending() for record in spool.read(path)]


def test_a_group_is_ripe_so_long_after_its_first_record(batch, spool, clock):
    assert not batch.ripe
    batch.add(1, [b"a"])
    clock.now += 0.04
    batch.add(2, [b"b"])
    assert (batch.ripe, records(spool)) == (False, [])
    clock.now += 0.02
    assert (batch.ripe, batch.seal(), len(batch), batch.ripe) == (True, 2, 0, False)
    assert records(spool) == [(1, b"a"), (2, b"b")]


def test_a_large_group_is_ripe_at_once(batch, monkeypatch):
    monkeypatch.setattr(draft, "GROUP_BYTES", 5)
    batch.add(1, [b"abc"])
    assert not batch.ripe
    batch.add(1, [b"de"])
    assert batch.ripe


def test_nothing_is_no_group(batch, clock):
    batch.add(1, [])
    clock.now += 10
    assert (len(batch), batch.ripe) == (0, False)


@pytest.mark.parametrize("fails", ("write", "seal"))
def test_what_a_failing_disk_took_is_written_again_with_what_came_meanwhile(batch, spool, monkeypatch, fails):
    batch.add(1, [b"a"])
    with monkeypatch.context() as patch:
        patch.setattr(
            "usage.collector.spool.os.fsync" if fails == "seal" else "usage.collector.spool.zlib.crc32", _full
        )
        with pytest.raises(OSError, match="No space left"):
            batch.add(2, [b"b"]) or batch.seal()
        assert (batch.failed, list(spool.directory.iterdir())) == (True, [])
        batch.add(3, [b"c"])
        with pytest.raises(OSError, match="No space left"):
            batch.seal()
    assert (batch.seal(), batch.failed, len(batch)) == (3, False, 0)
    assert records(spool) == [(1, b"a"), (2, b"b"), (3, b"c")]


def _full(*arguments):
    raise OSError(28, "No space left on device")
