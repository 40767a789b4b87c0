"""Who gets a record: those who pop, or those who listen; and which records nobody gets."""

import pytest

from simulator.queue import BUFFER


def message(record):
    return b"*3\r\n$7\r\nmessage\r\n$5\r\nusage\r\n$%d\r\n%b\r\n" % (len(record), record)


GREETING = b"*3\r\n$9\r\nsubscribe\r\n$5\r\nusage\r\n:1\r\n" + message(b'{"support_refresh":true}')


@pytest.fixture
def pop(connect):
    """A function that pops over RESP and gives the records."""
    client = connect()

    def popped(count=100_000, word=b"LPOP"):
        client.ask(word, b"usage", str(count).encode())
        stream = client.socket.makefile("rb")
        number = int(stream.readline()[1:])
        return [stream.read(int(stream.readline()[1:]) + 2)[:-2] for _ in range(number)]

    return popped


@pytest.mark.parametrize("word", [b"LPOP", b"RPOP", b"rpop"])
def test_both_ends_give_the_oldest_first(cpa, pop, word):
    cpa.push(b"1", "2", {"three": 3})
    assert cpa.queued == 3
    assert [pop(2, word), pop(2, word), pop(2, word)] == [[b"1", b"2"], [b'{"three":3}'], []]
    assert (cpa.queued, cpa.popped, cpa.published) == (0, 3, 0)


def test_records_of_any_bytes_pass_unchanged(cpa, pop):
    odd = [b"", b"\r\n$5\r\n", bytes(range(256)), "团队\u2028".encode(), b"x" * 300_000]
    cpa.push_many(odd)
    assert pop() == odd


def test_retention_takes_what_waited_too_long_and_no_more(cpa, clock, pop):
    cpa.push(b"old")
    clock.move(3)
    cpa.push(b"young")
    clock.move(57)
    assert cpa.queued == 1
    assert pop() == [b"young"]
    assert cpa.expired == 1


def test_a_record_just_within_retention_is_there(cpa, clock, pop):
    cpa.push(b"in time")
    clock.move(59.999)
    assert pop() == [b"in time"]


def test_with_statistics_off_records_vanish_in_silence(cpa, connect, pop):
    cpa.statistics_enabled = False
    listener = connect()
    listener.ask(b"SUBSCRIBE", b"usage")
    listener.expect(GREETING)
    cpa.push(b"lost")
    cpa.statistics_enabled = True
    cpa.push(b"kept")
    listener.expect(message(b"kept"))
    assert (cpa.queued, cpa.published, cpa.expired) == (0, 1, 0)


def test_every_subscriber_gets_each_record_and_the_queue_none(cpa, connect, pop):
    cpa.push(b"backlog")
    listeners = [connect(), connect()]
    for listener in listeners:
        listener.ask(b"SUBSCRIBE", b"usage")
        listener.expect(GREETING)
    cpa.push(b"live")
    for listener in listeners:
        listener.expect(message(b"live"))
    assert pop() == [b"backlog"]
    assert (cpa.popped, cpa.published, cpa.subscribers) == (1, 2, 2)


def test_a_slow_subscriber_is_cut_off_and_exactly_one_record_is_lost(cpa, connect, pop):
    slow = connect(receive_buffer=4096)
    slow.ask(b"SUBSCRIBE", b"usage")
    slow.expect(GREETING)
    sent = [b"%05d" % number + b"x" * 7400 for number in range(2000)]
    cpa.push_many(sent)
    queued = pop()
    frames = slow.rest()
    read = [frame.partition(b"\r\n")[2][:-2] for frame in frames.split(b"*3\r\n$7\r\nmessage\r\n$5\r\nusage\r\n$")[1:]]
    assert len(read) > BUFFER
    assert queued
    assert [*read, sent[len(read)], *queued] == sent
    assert (cpa.dropped, cpa.published, cpa.subscribers) == (1, len(read), 0)


def test_a_subscriber_that_keeps_up_loses_nothing(cpa, connect):
    listener = connect()
    listener.ask(b"SUBSCRIBE", b"usage")
    listener.expect(GREETING)
    for number in range(600):
        cpa.push(b"%d" % number)
        listener.expect(message(b"%d" % number))
    assert (cpa.published, cpa.dropped) == (600, 0)


def test_history_is_made_when_popped_and_knows_no_retention(cpa, clock, pop):
    made = []

    def history():
        for number in range(5):
            made.append(number)
            yield b"h%d" % number

    cpa.feed(history())
    cpa.push(b"live")
    clock.move(10)
    assert made == []
    assert pop(3) == [b"h0", b"h1", b"h2"]
    assert made == [0, 1, 2]
    assert (pop(3), cpa.has_history) == ([b"h3", b"h4"], True)
    assert (pop(3), cpa.has_history) == ([b"live"], False)
    assert cpa.popped == 6


def test_what_history_gives_is_counted_for_its_account_once(cpa, pop):
    files = cpa.catalog.auth_files
    index = files[0]["auth_index"]
    cpa.feed(iter([b'{"auth_index":"%b"}' % index.encode()] * 2))
    cpa.push({"auth_index": index, "failed": True})
    while pop():
        pass
    counts = cpa._state.ledger.counts_of(index)
    assert (counts["success"], counts["failed"]) == (2, 1)
