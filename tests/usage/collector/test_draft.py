"""The draft: written at once, sealed in groups, and given up when the disk fails."""

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
    batch.add([(1, b"a")])
    clock.now += 0.04
    batch.add([(2, b"b")])
    assert (batch.ripe, records(spool)) == (False, [])
    clock.now += 0.02
    assert (batch.ripe, batch.seal(), len(batch), batch.ripe) == (True, 2, 0, False)
    assert records(spool) == [(1, b"a"), (2, b"b")]


def test_a_large_group_is_ripe_at_once(batch, monkeypatch):
    monkeypatch.setattr(draft, "GROUP_BYTES", 5)
    batch.add([(1, b"abc")])
    assert not batch.ripe
    batch.add([(1, b"de")])
    assert batch.ripe


def test_nothing_is_no_group(batch, clock):
    batch.add([])
    clock.now += 10
    assert (len(batch), batch.ripe) == (0, False)


@pytest.mark.parametrize("fails", ("write", "seal"))
def test_after_a_disk_that_fails_nothing_is_on_it_and_the_records_are_given_up(batch, spool, monkeypatch, fails):
    batch.add([(1, b"a")])
    with monkeypatch.context() as patch:
        patch.setattr(
            "usage.collector.draft.os.fsync" if fails == "seal" else "usage.collector.framing.zlib.crc32", _full
        )
        with pytest.raises(OSError, match="No space left"):
            batch.add([(2, b"b")]) or batch.seal()
    assert [path.name for path in spool.directory.iterdir()] == ["in-hand"]
    assert (batch.give_up(), len(batch)) == ([(1, b"a"), (2, b"b")], 0)
    batch.add([(3, b"c")])
    assert (batch.seal(), records(spool)) == (1, [(3, b"c")])


def _full(*arguments):
    raise OSError(28, "No space left on device")
