"""The storer: the oldest batches first, several in one transaction, and none that fails keeps the others waiting."""

from unittest.mock import patch

import pytest

from tests.usage.collector.spooled import append
from tests.usage.made import NOON, record
from usage.collector.draft import write_held
from usage.collector.spool import Spool
from usage.collector.storer import ENOUGH_RECORDS, TRIES, Storer, StoringFailed
from usage.ingest.batch import LOST_TO_THE_DISK
from usage.ingest.writer import Writer
from usage.models import DeadLetter, Event

pytestmark = pytest.mark.django_db(transaction=True)

POISON = b"poison"


class Fragile(Writer):
    """A writer with a fault that one record brings to light."""

    def store(self, batch):
        if any(raw == POISON for _, raw in batch):
            raise ValueError(f"a fault that quotes {batch}")
        return super().store(batch)


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


def made(count, start=0):
    return [record(NOON + n) for n in range(start, start + count)]


def test_an_empty_spool_is_nothing_to_do(spool):
    assert Storer(spool, Writer()).step() is None


def test_small_batches_are_stored_together_and_their_files_are_gone(spool):
    for n in range(3):
        append(spool, NOON + n, made(2, n * 2))
    batch = Storer(spool, Writer()).step()
    assert (batch.records, batch.stored.events, spool.depth) == (6, 6, 0)
    assert list(spool.directory.glob("*.*")) == []


def test_what_was_in_memory_and_has_been_written_meanwhile_is_read_from_the_disk(spool):
    spool.hold([(NOON, raw) for raw in made(2)])
    seen = spool.pending()
    write_held(spool)  # by the reader, after the storer has looked
    with patch.object(spool, "pending", return_value=seen):
        assert Storer(spool, Writer()).step().records == 0
    assert Storer(spool, Writer()).step().stored.events == 2


def test_no_more_are_merged_than_are_enough(spool):
    for n in range(3):
        append(spool, NOON, made(ENOUGH_RECORDS, n * ENOUGH_RECORDS))
    storer = Storer(spool, Writer())
    assert [storer.step().records for _ in range(3)] == [ENOUGH_RECORDS] * 3


def test_a_batch_that_fails_again_and_again_is_put_aside_and_the_others_are_stored(spool):
    append(spool, NOON, made(2))
    append(spool, NOON, [POISON])
    append(spool, NOON, made(2, 2))
    storer, sentences = Storer(spool, Fragile()), []
    while spool.depth:
        try:
            storer.step()
        except StoringFailed as failed:
            sentences.append(str(failed))
    assert Event.objects.count() == 4
    assert [path.suffix for path in spool.directory.glob("0*")] == [".aside"]
    assert len(sentences) <= 2 + TRIES
    assert all(words.startswith("Storing failed with ValueError in test_storer.py:") for words in sentences)
    assert sentences[-1].endswith(" was put aside; the next start tries it again.")
    assert not any("poison" in words for words in sentences)  # an error's own words may quote a record


def test_a_batch_that_cannot_be_read_is_put_aside(spool):
    first = append(spool, NOON, made(1))
    append(spool, NOON, made(1, 1))
    first.unlink()
    storer = Storer(spool, Writer())
    with pytest.raises(StoringFailed, match=r"cannot be read and was put aside: No such file or directory\.$"):
        storer.step()
    assert (storer.step().records, spool.depth) == (1, 0)


def test_of_a_damaged_batch_what_is_whole_is_stored_and_the_rest_is_a_dead_letter(spool):
    path = append(spool, NOON, made(3))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    batch = Storer(spool, Writer()).step()
    assert (batch.stored.events, batch.stored.dead, Event.objects.count()) == (2, 1, 2)
    [letter] = DeadLetter.objects.all()
    assert bytes(letter.raw).startswith(b"Damaged on the disk, ")
    assert letter.reason == LOST_TO_THE_DISK
    assert (spool.depth, list(spool.directory.glob("0*"))) == (0, [])


def test_what_is_held_in_memory_is_stored_and_forgotten(spool):
    spool.hold([(NOON, raw) for raw in made(3)])
    assert (Storer(spool, Writer()).step().stored.events, spool.depth) == (3, 0)
