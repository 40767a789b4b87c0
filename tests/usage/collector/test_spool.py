"""The spool: what was appended survives every way of dying, once and in order."""

import os
import resource
import signal
import stat
import struct
import zlib

import pytest

from tests.usage.collector.spooled import append
from usage.collector.draft import Draft
from usage.collector.spool import MAGIC, Spool
from usage.time.units import SECOND_US

BATCH = [b'{"a":1}', b"", b"\xff\x00 no JSON", b"x" * 70_000]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "deep" / "spool"


def records(spool):
    """Everything that waits, oldest first: (arrival, raw)."""
    return [record for path in spool.pending() for record in spool.read(path)]


def names(folder):
    return sorted(path.suffix for path in folder.iterdir())


def line(arrived, raw):
    head = struct.pack(">qI", arrived, len(raw))
    return head + struct.pack(">I", zlib.crc32(raw, zlib.crc32(head))) + raw


def test_what_was_appended_is_read_byte_for_byte_also_by_the_next_process(folder):
    path = append(Spool(folder), 5, BATCH)
    spool = Spool(folder)
    assert records(spool) == [(5, raw) for raw in BATCH]
    assert (spool.depth, spool.bytes) == (1, path.stat().st_size)
    spool.remove(path)
    assert (records(spool), spool.depth, spool.bytes, names(folder)) == ([], 0, 0, [])


def test_the_file_format_is_the_documented_one(folder):
    path = append(Spool(folder), -7, [b"one", b"two"])
    assert path.read_bytes() == MAGIC + line(-7, b"one") + line(-7, b"two")


def test_batches_come_in_the_order_of_their_appending_though_the_clock_is_set_back(folder, set_clock):
    spool = Spool(folder)
    for second in (2_000, 1_000, 3_000, 3_000):
        set_clock(second * SECOND_US)
        append(spool, second, [b"%d" % second])
    assert [raw for _, raw in records(spool)] == [b"2000", b"1000", b"3000", b"3000"]
    assert records(Spool(folder)) == records(spool)
    set_clock(5 * SECOND_US)
    later = Spool(folder)
    append(later, 5, [b"last"])
    assert [raw for _, raw in records(later)][-1] == b"last"


def test_only_the_owner_may_look(folder):
    os.umask(0o022)
    path = append(Spool(folder), 1, [b"secret"])
    assert [stat.S_IMODE(p.stat().st_mode) for p in (folder, path)] == [0o700, 0o600]


def test_a_folder_made_by_others_is_closed_to_them(folder):
    folder.mkdir(parents=True, mode=0o755)
    Spool(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("cut", range(2, 60, 3))
def test_of_a_file_torn_anywhere_the_whole_records_before_are_read_and_the_rest_is_kept_for_people(folder, cut):
    items = [b"first", b"second", b"third"]
    path = append(Spool(folder), 9, items)
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    spool = Spool(folder)
    whole = records(spool)
    sizes = [16 + len(item) for item in items]
    kept = sum(len(data) - cut >= len(MAGIC) + sum(sizes[: n + 1]) for n in range(3))
    assert whole == [(9, item) for item in items[:kept]]
    spool.remove(path)
    assert (spool.depth, path.with_suffix(".damaged").read_bytes()) == (0, data[:-cut])


@pytest.mark.parametrize("at", [0, len(MAGIC), len(MAGIC) + 9, len(MAGIC) + 13, len(MAGIC) + 17])
def test_one_bit_flipped_is_noticed(folder, at):
    path = append(Spool(folder), 9, [b"first", b"second"])
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)
    assert records(Spool(folder)) == []


def test_damage_in_one_batch_costs_no_other(folder):
    spool = Spool(folder)
    first, second = append(spool, 1, [b"a"]), append(spool, 2, [b"b"])
    first.write_bytes(b"")
    assert records(spool) == [(2, b"b")]
    for path in (first, second):
        spool.remove(path)
    assert names(folder) == [".damaged"]


def test_a_draft_of_a_process_that_died_is_adopted_as_far_as_it_was_written(folder):
    spool = Spool(folder)
    path = append(spool, 4, [b"one", b"two"])
    path.write_bytes(path.read_bytes()[:-1])
    path.rename(path.with_suffix(".part"))
    adopted = Spool(folder)
    assert (records(adopted), names(folder)) == ([(4, b"one")], [".batch"])


def test_what_was_written_is_adopted_by_the_next_process_though_it_was_not_sealed(folder):
    spool = Spool(folder)
    draft = Draft(spool)
    draft.add(4, [b"one"])
    draft.add(6, [b"two", b"x" * 70_000])
    assert (spool.depth, names(folder)) == (0, [".part"])
    assert records(Spool(folder)) == [(4, b"one"), (6, b"two"), (6, b"x" * 70_000)]


def test_a_sealed_draft_is_a_batch_and_the_next_one_another(folder):
    spool = Spool(folder)
    draft = Draft(spool)
    for arrived, raw in ((4, b"one"), (5, b"two"), (6, b"three")):
        draft.add(arrived, [raw])
        if raw != b"one":
            draft.seal()
    assert (spool.depth, names(folder)) == (2, [".batch", ".batch"])
    assert records(spool) == records(Spool(folder)) == [(4, b"one"), (5, b"two"), (6, b"three")]


def test_a_draft_with_nothing_in_it_goes(folder):
    folder.mkdir(parents=True)
    for number, data in enumerate((b"", MAGIC[:5], MAGIC)):
        (folder / f"{number:020d}.part").write_bytes(data)
    assert (records(Spool(folder)), names(folder)) == ([], [])


def test_files_of_others_are_left_alone(folder):
    folder.mkdir(parents=True)
    (folder / "notes.batch").write_bytes(b"mine")
    assert (Spool(folder).depth, names(folder)) == (0, [".batch"])


def test_a_batch_set_aside_waits_for_the_next_start(folder):
    spool = Spool(folder)
    first = append(spool, 1, [b"poison"])
    append(spool, 2, [b"good"])
    spool.set_aside(first)
    assert (records(spool), spool.depth) == ([(2, b"good")], 1)
    assert records(Spool(folder)) == [(1, b"poison"), (2, b"good")]


@pytest.mark.parametrize("fails", ("open", "fsync"))
def test_a_write_that_fails_leaves_nothing_half_done(folder, monkeypatch, fails):
    spool = Spool(folder)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"usage.collector.draft.os.{fails}", full)
    with pytest.raises(OSError, match="No space left"):
        append(spool, 1, [b"a"])
    monkeypatch.undo()
    assert (names(folder), spool.depth) == ([], 0)
    append(spool, 1, [b"a"])
    assert records(spool) == [(1, b"a")]


def test_a_disk_that_is_full_in_the_middle_of_a_record_takes_the_draft_and_the_next_one_is_whole(folder):
    spool = Spool(folder)
    draft = Draft(spool)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    taken = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    draft.add(1, [b"a"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))
    try:
        with pytest.raises(OSError, match="File too large"):
            draft.add(2, [b"b" * 5000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        signal.signal(signal.SIGXFSZ, taken)
    assert names(folder) == []
    assert draft.seal() == 2
    assert records(spool) == [(1, b"a"), (2, b"b" * 5000)]
