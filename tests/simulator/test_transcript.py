"""The captured conversation with a real CPA, said again to the simulator: every reply is the same, to the byte."""

from time import sleep

import pytest

from simulator import Simulator
from tests.simulator.raw import CLOSED, RawClient, dialogue

POPPING = [
    "before AUTH",
    "other ways to authenticate",
    "commands of ordinary clients, authenticated",
    "LPOP forms on an empty queue",
    "LPOP with records: five requests queued",
    "pipelining: three commands in one write",
    "protocol errors",
]
NEED_LOGIN = set(POPPING[2:6])
LOGIN = b"*2\r\n$4\r\nAUTH\r\n$18\r\nlab-management-key\r\n"


class Replay:
    """Plays the client's part; before a reply that holds records it queues as many."""

    def __init__(self, cpa, record):
        self.cpa, self.record = cpa, record
        self.clients = {}

    def play(self, lines):
        for position, line in enumerate(lines):
            client = self.clients.get(line.who) or self.clients.setdefault(line.who, RawClient(self.cpa.port))
            if line.sent:
                self.queue_for(lines[position + 1])
                client.send(line.said)
            elif line.said == CLOSED:
                client.expect_closed()
                self.clients.pop(line.who).close()
            else:
                client.expect(line.said)

    def queue_for(self, reply):
        if isinstance(reply.said, bytes) and b'{"timestamp"' in reply.said and b"message" not in reply.said:
            head = reply.said.partition(b"\r\n")[0]
            self.cpa.push(*[self.record] * (int(head[1:]) if head[:1] == b"*" else 1))

    def close(self):
        for client in self.clients.values():
            client.close()


@pytest.fixture
def replay(cpa, records):
    replay = Replay(cpa, records[0])
    yield replay
    replay.close()


@pytest.mark.parametrize("title", POPPING)
def test_a_popping_client_gets_the_captured_bytes(replay, title):
    lines = dialogue(title)
    assert len(lines) >= 2
    if title in NEED_LOGIN:
        replay.clients[""] = client = RawClient(replay.cpa.port)
        client.send(LOGIN)
        client.expect(b"+OK\r\n")
    replay.play(lines)


def test_a_subscriber_gets_the_captured_bytes(cpa, replay, records):
    """Six headings are one conversation: the backlog stays, every subscriber hears, leaving queues again."""
    replay.clients[""] = client = RawClient(cpa.port)
    client.send(LOGIN)
    client.expect(b"+OK\r\n")
    cpa.push(records[0], records[1])
    *until_live, live, pop, popped = dialogue("SUBSCRIBE with a backlog of two records")
    replay.play(until_live)
    cpa.push(records[2])
    replay.clients["sub"].expect(live.said)
    client.send(pop.said)
    client.expect(popped.said)
    replay.play(dialogue("commands while subscribed"))
    lines = dialogue("two subscribers: both get every record")
    replay.play(lines[:4])
    cpa.push(records[3])
    replay.play(lines[4:])
    cpa.refresh()
    replay.play(dialogue("refresh: a changed auth file"))
    replay.play(dialogue("subscriber leaves with QUIT"))


def test_a_subscriber_that_closes_its_socket_no_longer_starves_the_queue(cpa, replay, connect, records):
    lines = dialogue("subscriber closes its socket without a word")
    replay.play(lines[:4])
    replay.clients.pop("sub").close()
    replay.clients[""] = connect()
    for _ in range(200):  # its end has to arrive
        if cpa.subscribers:
            sleep(0.01)
    replay.play(lines[4:])


def test_a_subscriber_to_errors_hears_each_failed_attempt(cpa, replay, connect):
    record = (
        b'{"timestamp":"2026-11-24T11:57:27.485192059+08:00","auth_index":"85a10b3ec267dc2b","failed":true,"fail":'
        b'{"status_code":429,"body":"slow \\"down\\""},"provider":"openai-compatible-x","alias":"kimi-k2"}'
    )
    lines = dialogue("the errors channel")
    replay.play(lines[:4])
    cpa.push(record, b'{"failed":false}', b"no record at all")
    event = (
        b'{"timestamp":"2026-11-24T11:57:27.485192059+08:00","provider":"openai-compatible-x","model":"kimi-k2",'
        b'"auth_id":"85a10b3ec267dc2b","auth_index":"85a10b3ec267dc2b","status_code":429,"body":"slow \\"down\\"",'
        b'"auth_status":{"status":"error","status_message":"slow \\"down\\"","disabled":false,"unavailable":false,'
        b'"model":{"name":"kimi-k2","status":"error","status_message":"slow \\"down\\"","unavailable":false,'
        b'"quota":{"exceeded":false,"reason":"quota"}}}}'
    )
    frame = b"*3\r\n$7\r\nmessage\r\n$6\r\nerrors\r\n$%d\r\n%b\r\n" % (len(event), event)
    got = bytearray()
    while len(got) < len(frame):
        got += replay.clients["err"].socket.recv(1 << 16)
    assert bytes(got) == frame
    assert cpa.queued == 3  # the queue is none of that channel's business


def test_the_errors_event_has_the_captured_keys(cpa, replay):
    import json

    lines = dialogue("the errors channel")
    captured = json.loads(lines[4].said.split(b"\r\n")[6])
    replay.play(lines[:4])
    cpa.push({"timestamp": "", "failed": True, "fail": {"status_code": 429, "body": ""}})
    received = replay.clients["err"].socket.recv(1 << 16)
    event = json.loads(received.split(b"\r\n")[6])
    assert list(event) == list(captured)
    assert list(event["auth_status"]) == list(captured["auth_status"])
    assert list(event["auth_status"]["model"]) == list(captured["auth_status"]["model"])


def test_without_a_management_key_resp_is_closed_without_a_word():
    with Simulator(management_key="") as cpa:
        client = RawClient(cpa.port)
        client.send(LOGIN)
        client.expect_closed()
        client.close()


def test_a_connection_that_says_nothing_is_closed():
    with Simulator(idle_seconds=0.05) as cpa:
        client = RawClient(cpa.port)
        client.expect_closed()
        client.close()


def test_a_connection_that_said_something_may_stay_silent(records):
    with Simulator(idle_seconds=0.05) as cpa:
        quiet, other = RawClient(cpa.port), RawClient(cpa.port)
        quiet.send(LOGIN)
        quiet.expect(b"+OK\r\n")
        other.expect_closed()  # by now the time is up for both
        quiet.send(b"*2\r\n$4\r\nLPOP\r\n$5\r\nusage\r\n")
        quiet.expect(b"$-1\r\n")
        quiet.close()
        other.close()


def test_where_resp_is_refused_its_bytes_are_a_bad_http_request(cpa):
    cpa.resp = False
    client = RawClient(cpa.port)
    client.send(LOGIN)
    assert client.rest().startswith(b"HTTP/1.1 400 Bad Request\r\n")
    client.close()


@pytest.mark.parametrize("cut", [1, 5, 9, 30, 40])
def test_a_command_may_arrive_in_pieces(cpa, connect, cut):
    client = connect(login=False)
    client.send(LOGIN[:cut])
    client.send(LOGIN[cut:] + LOGIN)
    client.expect(b"+OK\r\n+OK\r\n")


@pytest.mark.parametrize(
    "count", [b"9223372036854775808", b"99999999999999999999999", b"1e3", b"", b"1_0", "１".encode()]
)
def test_a_count_that_is_no_integer_of_64_bits_is_refused(connect, count):
    client = connect()
    client.ask(b"LPOP", b"usage", count)
    client.expect(b"-ERR value is not an integer or out of range\r\n")


def test_an_enormous_count_gives_all_there_is(cpa, connect, records):
    cpa.push_many(records)
    client = connect()
    client.ask(b"LPOP", b"usage", b"9223372036854775807")
    joined = b"".join(b"$%d\r\n%b\r\n" % (len(record), record) for record in records)
    received = bytearray()
    while len(received) < len(joined) + 6:
        received += client.socket.recv(1 << 20)
    assert bytes(received) == b"*129\r\n" + joined
