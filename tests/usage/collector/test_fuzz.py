"""Any bytes in a file of the spool, and any reply of a server: what is whole is found, and nothing else raises."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usage.collector.framing import MAGIC, found_in, framed
from usage.collector.queue import CpaQueue, Key, QueueError

NAMED = 1_790_000_000_000_000
RECORDS = [(NAMED + number * 1000, b'{"number":%d}' % number * (number % 7)) for number in range(40)]
WHOLE = MAGIC + b"".join(framed(RECORDS))
PIECES = st.sampled_from(
    [
        *(b"*", b"$", b"+", b"-", b":", b"\r\n", b"-1", b"0", b"1", b"2", b"9", b"99999999999", b"\x00", b"\xff"),
        *(b"+OK\r\n", b"*0\r\n", b"*-1\r\n", b"$-1\r\n", b"*1\r\n$2\r\n{}\r\n", b"-ERR banned\r\n"),
        *(b"*3\r\n$7\r\nmessage\r\n$5\r\nusage\r\n", b"*3\r\n$9\r\nsubscribe\r\n$5\r\nusage\r\n:1\r\n"),
        *(b"*" * 2000, b"*1\r\n" * 2000),
    ]
)


@st.composite
def damaged(draw):
    """The file, with a few stretches overwritten, taken out or put in."""
    data = bytearray(WHOLE)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 60))] = draw(st.binary(max_size=60))
    return bytes(data)


@given(damaged())
def test_whatever_happens_to_a_file_only_whole_records_of_ours_are_found_in_it(data):
    found, end, count = found_in(data, NAMED)
    marked = [record for record in found if record[1].startswith(b"Damaged on the disk, ")]
    assert len(marked) == count
    assert {record for record in found if record not in marked} <= set(RECORDS)
    assert len(found) - count >= len(RECORDS) - 4 * 12  # a stretch covers twelve of the shortest at most
    assert 0 <= end <= max(len(data), len(MAGIC))


@given(st.binary(max_size=300))
def test_bytes_of_others_are_damage(data):
    found, _, count = found_in(data, NAMED)
    assert len(found) == count


@pytest.mark.parametrize("mode", ("pop", "subscribe"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(replies=st.lists(st.lists(PIECES, max_size=4).map(b"".join), min_size=1, max_size=3))
def test_whatever_a_server_replies_is_records_or_an_error_in_words(scripted_by, mode, replies):
    scripted_by([b"+OK\r\n", *replies])
    queue = CpaQueue(mode, Key())
    try:
        assert all(isinstance(record, bytes) for record in queue.pop(10) + queue.close())
    except QueueError as error:
        assert str(error)
    finally:
        queue.close()


@pytest.fixture
def scripted_by(settings, scripted):
    """A function that sets the replies of a server; after them it closes each connection."""
    settings.CPA_TIMEOUT = timedelta(seconds=0.05)

    def script(replies):
        scripted.replies[:] = replies

    return script
