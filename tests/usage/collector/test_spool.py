"""The spool: what was appended survives every way of dying, once and in order."""

import os
import resource
import signal
import stat
import struct
import zlib

import pytest

from tests.usage.collector.spooled import append
from usage.collector.draft import Draft, write_held
from usage.collector.framing import MAGIC, PREFIX, found_in, framed
from usage.collector.spool import Spool
from usage.time.units import SECOND_US

BATCH = [b'{"a":1}', b"", b"\xff\x00 no JSON", b"x" * 70_000]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "deep" / "spool"


def records(spool):
    """Everything that waits, oldest first: (arrival, raw)."""
    return [record for path in spool.pending() for record in spool.read(path)]


def names(folder):
    return sorted(path.suffix for path in folder.iterdir() if path.name != "in-hand")


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


NAMED = 1_790_000_000_000_000


@pytest.mark.parametrize("cut", range(2, 60, 3))
def test_of_a_file_torn_anywhere_the_whole_records_are_read_and_the_rest_says_that_it_is_damaged(folder, cut):
    items = [b"first", b"second", b"third"]
    path = append(Spool(folder), 9, items)
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    spool = Spool(folder)
    sizes = [PREFIX + len(item) for item in items]
    kept = sum(len(data) - cut >= len(MAGIC) + sum(sizes[: n + 1]) for n in range(3))
    found = records(spool)
    assert found[:kept] == [(9, item) for item in items[:kept]]
    torn_at_an_edge = len(data) - cut == len(MAGIC) + sum(sizes[:kept])
    assert [raw[:19] for _, raw in found[kept:]] == ([] if torn_at_an_edge else [b"Damaged on the disk"])
    spool.remove(path)
    assert (spool.depth, names(folder)) == (0, [])


SOME = [(NAMED + n, b'{"n":%d}' % n * (n + 1)) for n in range(5)]


def bytes_of(records):
    return MAGIC + b"".join(line(*record) for record in records)


@pytest.mark.parametrize("at", range(len(bytes_of(SOME))))
def test_one_bit_flipped_anywhere_costs_the_record_it_is_in_alone(at):
    data = bytearray(bytes_of(SOME))
    data[at] ^= 4
    found, end, damaged = found_in(bytes(data), NAMED)
    whole = [record for record in found if not record[1].startswith(b"Damaged on the disk, ")]
    assert (damaged, len(found), len(set(SOME) & set(whole)), len(whole)) == (
        (0, 5, 5, 5) if at < len(MAGIC) else (1, 5, 4, 4)
    )
    assert (end == len(data)) == (at < len(data) - len(line(*SOME[-1])))


def test_zeros_in_the_middle_cost_what_they_cover_alone():
    data = bytearray(bytes_of(SOME))
    start, stop = (len(bytes_of(SOME[:n])) + 3 for n in (1, 3))
    data[start:stop] = bytes(stop - start)
    found, _, damaged = found_in(bytes(data), NAMED)
    assert (damaged, [record for record in found if record in SOME]) == (1, [SOME[0], SOME[4]])


def test_a_damaged_length_that_leads_to_a_later_record_costs_no_other():
    same = [(NAMED + number, b"sixteen bytes %02d" % number) for number in range(4)]
    data = bytearray(MAGIC + b"".join(framed(same)))
    data[len(MAGIC) + PREFIX - 5] ^= 0x20  # 16 bytes become 48, which end where the third record begins
    found, _, damaged = found_in(bytes(data), NAMED)
    assert (damaged, found[1:]) == (1, same[1:])


def test_of_a_large_damaged_stretch_the_beginning_is_kept():
    found, _, damaged = found_in(MAGIC + b"x" * 1_000_000, NAMED)
    assert (damaged, found[0][1][:60]) == (1, b"Damaged on the disk, 999984 bytes, of which the first: xxxxx")
    assert len(found[0][1]) < 70_000


def test_a_batch_that_lost_its_content_says_so(folder):
    spool = Spool(folder)
    first = append(spool, 1, [b"a"])
    append(spool, 2, [b"b"])
    first.write_bytes(b"")
    assert records(spool) == [(int(first.stem), b"Damaged on the disk, 0 bytes, of which the first: "), (2, b"b")]


def test_what_an_earlier_version_kept_as_damaged_is_stored_now(folder):
    spool = Spool(folder)
    path = append(spool, NAMED, [b"one", b"two"])
    path.rename(path.with_suffix(".damaged"))
    assert records(Spool(folder)) == [(NAMED, b"one"), (NAMED, b"two")]


@pytest.mark.parametrize("suffix", ("batch", "part", "aside", "damaged"))
def test_what_is_no_file_is_put_aside_and_keeps_no_drain_from_starting(folder, suffix, caplog):
    whole = append(Spool(folder), 1, [b"whole"])
    first, second, third = (folder / f"{number:020d}.{suffix}" for number in range(1, 4))
    os.mkfifo(first)
    second.mkdir()
    third.symlink_to(folder / "nowhere")
    for _ in range(2):
        spool = Spool(folder)
        assert records(spool) == [(1, b"whole")]
        assert names(folder) == [".aside"] * 3 + [whole.suffix]
    assert f"{first.name} in the spool is no file of ours and is put aside." in caplog.messages


def test_a_draft_that_cannot_be_read_is_put_aside(folder, monkeypatch, caplog):
    append(Spool(folder), 1, [b"one"]).rename(folder / "00000000000000000007.part")
    monkeypatch.setattr("pathlib.Path.read_bytes", _denied)
    assert (Spool(folder).depth, names(folder)) == (0, [".aside"])
    assert caplog.messages == [
        "00000000000000000007.part in the spool cannot be read and is put aside: Permission denied."
    ]


def _denied(path):
    raise PermissionError(13, "Permission denied")


def test_what_is_held_in_memory_waits_like_a_batch_and_a_file_tells_how_much(folder):
    spool = Spool(folder)
    path = append(spool, 5, [b"on the disk"])
    spool.hold([(6, b"a"), (8, b"b")])
    spool.hold([(7, b"c")])
    assert (spool.depth, records(spool)) == (3, [(5, b"on the disk"), (6, b"a"), (8, b"b"), (7, b"c")])
    assert Spool(folder).held.left_behind == (3, 6, 8)
    held = spool.held.names()[0]
    spool.set_aside(held)
    assert spool.pending()[-1] == held
    for waiting in spool.pending():
        if waiting != path:
            spool.remove(waiting)
    assert (spool.depth, Spool(folder).held.left_behind) == (1, None)


def test_what_is_held_and_was_written_is_forgotten_though_it_was_stored_meanwhile(folder):
    spool = Spool(folder)
    spool.hold([(6, b"a"), (8, b"b"), (9, b"c")])
    write_held(spool)
    assert (len(spool.held), records(spool)) == (0, [(6, b"a"), (8, b"b"), (9, b"c")])
    spool.hold([(6, b"a")])
    [path] = spool.held.names()
    spool.remove(path)
    spool.held.remove(path, 1)
    assert (len(spool.held), Spool(folder).held.left_behind) == (0, None)


def test_what_an_earlier_process_held_is_told_until_it_is_recorded(folder):
    Spool(folder).hold([(6, b"a"), (8, b"b")])
    spool = Spool(folder)
    spool.hold([(20, b"c")])
    assert Spool(folder).held.left_behind == (3, 6, 20)
    spool.held.recorded()
    assert (spool.held.left_behind, Spool(folder).held.left_behind) == (None, (1, 20, 20))
    assert spool.held.give_up() == (1, 20, 20)
    assert (spool.depth, Spool(folder).held.left_behind) == (0, (1, 20, 20))
    spool.held.recorded()
    assert Spool(folder).held.left_behind is None


@pytest.mark.parametrize("note", [(-1, 0, 0), (2**63 - 1, 0, 1), (5, 2**62, 2**62), (5, 9, 8), (5, -1, 1)])
def test_a_note_that_makes_no_sense_tells_nothing(folder, note):
    folder.mkdir(parents=True)
    (folder / "in-hand").write_bytes(struct.pack(">qqq", *note))
    assert Spool(folder).held.left_behind is None


def test_names_that_are_no_times_are_left_alone(folder):
    folder.mkdir(parents=True)
    for stem in ("9" * 40, "9" * 20, "7", "²" * 20):
        for suffix in ("batch", "part"):
            (folder / f"{stem}.{suffix}").write_bytes(bytes_of(SOME))
    assert (Spool(folder).depth, len(names(folder))) == (0, 8)


def test_batches_of_one_name_that_were_set_aside_do_not_take_the_place_of_each_other(folder):
    for number, suffix in enumerate(("batch", "aside", "damaged")):
        path = append(Spool(folder), number, [b"%d" % number])
        path.rename(folder / f"{7:020d}.{suffix}.kept")
    for path in folder.glob("*.kept"):
        path.rename(path.with_suffix(""))
    assert sorted(raw for _, raw in records(Spool(folder))) == [b"0", b"1", b"2"]


@pytest.mark.parametrize(("count", "at"), [(1, 20), (3, -1)])
def test_damage_in_a_draft_that_was_left_behind_is_told_and_a_torn_end_is_not(folder, count, at):
    draft = Draft(Spool(folder))
    draft.add(SOME[2 : 2 + count])
    [path] = folder.glob("*.part")
    data = bytearray(path.read_bytes())
    data[len(MAGIC) + at if at > 0 else at] ^= 4
    path.write_bytes(data)
    found = records(Spool(folder))
    assert [raw.startswith(b"Damaged") for _, raw in found] == [False] * (count - 1) + [True]


def test_the_last_of_the_room_is_left_to_the_database(folder):
    spool = Spool(folder)
    append(spool, 1, [b"a"])
    spool.reserve = 2**62
    with pytest.raises(OSError, match="No more room than the database needs"):
        append(spool, 2, [b"b"])
    assert (records(spool), names(folder)) == ([(1, b"a")], [".batch"])
    spool.hold([(2, b"b")])
    assert records(spool) == [(1, b"a"), (2, b"b")]


def test_a_note_that_is_no_file_or_torn_tells_nothing(folder):
    folder.mkdir(parents=True)
    (folder / "in-hand").write_bytes(b"short")
    assert Spool(folder).held.left_behind is None
    (folder / "in-hand").unlink()
    os.mkfifo(folder / "in-hand")
    spool = Spool(folder)
    spool.hold([(6, b"a")])
    assert (spool.held.left_behind, spool.held.in_hand()) == (None, (1, 6, 6))


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
    draft.add([(4, b"one")])
    draft.add([(6, b"two"), (6, b"x" * 70_000)])
    assert (spool.depth, names(folder)) == (0, [".part"])
    assert records(Spool(folder)) == [(4, b"one"), (6, b"two"), (6, b"x" * 70_000)]


def test_a_sealed_draft_is_a_batch_and_the_next_one_another(folder):
    spool = Spool(folder)
    draft = Draft(spool)
    for arrived, raw in ((4, b"one"), (5, b"two"), (6, b"three")):
        draft.add([(arrived, raw)])
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


def test_a_disk_that_is_full_in_the_middle_of_a_record_leaves_nothing_of_the_draft(folder):
    spool = Spool(folder)
    draft = Draft(spool)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    taken = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    draft.add([(1, b"a")])
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))
    try:
        with pytest.raises(OSError, match="File too large"):
            draft.add([(2, b"b" * 5000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        signal.signal(signal.SIGXFSZ, taken)
    assert names(folder) == []
    assert draft.give_up() == [(1, b"a"), (2, b"b" * 5000)]
