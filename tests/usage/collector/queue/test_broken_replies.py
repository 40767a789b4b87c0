"""What a server says that is no CPA, or a CPA whose reply breaks off: told apart by whether records may be lost."""

import re

import pytest

from tests.usage.collector.scripted import last
from tests.waiting import until
from usage.collector.queue import CpaQueue, Interrupted, NotResp, Refused, Unavailable
from usage.collector.queue.subscribe import SubscribeTransport

OK = b"+OK\r\n"
REPLY = b'*2\r\n$7\r\n{"a":1}\r\n$7\r\n{"a":2}\r\n'
SECRET = "lab-management-key"


@pytest.fixture
def pop(key, scripted):
    queue = CpaQueue("pop", key)
    yield lambda limit=10: queue.pop(limit)
    queue.close()


def test_it_says_exactly_auth_and_lpop(pop, scripted):
    scripted.replies = [OK, REPLY, REPLY]
    assert [pop(), pop(7)] == [[b'{"a":1}', b'{"a":2}']] * 2
    assert scripted.asked == [
        b"*2\r\n$4\r\nAUTH\r\n$18\r\nlab-management-key\r\n",
        b"*3\r\n$4\r\nLPOP\r\n$5\r\nusage\r\n$2\r\n10\r\n",
        b"*3\r\n$4\r\nLPOP\r\n$5\r\nusage\r\n$1\r\n7\r\n",
    ]


def test_a_subscriber_says_exactly_auth_subscribe_ping_and_unsubscribe_and_pops_the_backlog(key, scripted):
    greeting = b"*3\r\n$9\r\nsubscribe\r\n$5\r\nusage\r\n:1\r\n"
    leaving = b"*3\r\n$11\r\nunsubscribe\r\n$5\r\nusage\r\n:0\r\n"
    scripted.replies = [OK, greeting, OK, b"*0\r\n", b"*2\r\n$4\r\npong\r\n$-1\r\n", last(leaving)]
    transport = SubscribeTransport(key, lambda subscribed: None, ping_seconds=0)
    assert transport.pop(10) == []
    until(lambda: len(scripted.asked) == 5)
    assert transport.close() == []
    commands = [re.findall(rb"[A-Za-z][\w-]+", asked) for asked in scripted.asked]
    login = [b"AUTH", b"lab-management-key"]
    pings = [[b"SUBSCRIBE", b"usage"], login, [b"LPOP", b"usage"], [b"PING"], [b"UNSUBSCRIBE"]]
    assert commands == [login, *pings]


def test_a_cpa_that_answers_no_ping_is_given_up(key, scripted):
    greeting = b"*3\r\n$9\r\nsubscribe\r\n$5\r\nusage\r\n:1\r\n"
    scripted.replies = [OK, greeting, OK, b"*0\r\n", *[b""] * 100]
    transport = SubscribeTransport(key, lambda subscribed: None, ping_seconds=0.1)
    with pytest.raises(Interrupted, match=r"^The subscription was cut: CPA fell silent\.$"):
        until(lambda: transport.pop(10))
    transport.close()


@pytest.mark.parametrize("length", range(0, len(REPLY), 5))
def test_a_reply_that_breaks_off_anywhere_may_have_cost_records_and_the_next_pop_connects_again(pop, scripted, length):
    scripted.replies = [OK, last(REPLY[:length]), OK, REPLY]
    with pytest.raises(Interrupted):
        pop()
    assert len(pop()) == 2


@pytest.mark.parametrize(
    "reply", [b"+fine\r\n", b":5\r\n", b"*1\r\n:5\r\n", b"*2\r\n$1\r\na\r\n$-1\r\n", b"*1\r\n-ERR no\r\n"]
)
def test_an_answer_of_another_shape_is_no_list_of_records(pop, scripted, reply):
    scripted.replies = [OK, reply]
    with pytest.raises(Interrupted, match=r"^CPA's queue answers a pop with something that is no list of records\.$"):
        pop()


@pytest.mark.parametrize("reply", [b"what?\r\n", b"*x\r\n", b"*1\r\n$x\r\n", b"\x00\xff" * 40 + b"\r\n"])
def test_garbage_is_neither_fatal_nor_believed(pop, scripted, reply):
    scripted.replies = [OK, reply, OK, REPLY]
    with pytest.raises(Interrupted):
        pop()
    assert len(pop()) == 2


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", last(b"\x15\x03\x01\x00\x02"), b"hello\r\n", last()]
)
def test_something_that_is_no_resp_server_is_named_so(pop, scripted, reply):
    scripted.replies = [reply]
    with pytest.raises(NotResp, match=re.escape(f"CPA's queue at 127.0.0.1:{scripted.port} does not speak RESP: ")):
        pop()


def test_a_cpa_whose_resp_is_off_is_closed(pop, scripted):
    scripted.replies = [b"-ERR RESP AUTH disabled; use mTLS\r\n"]
    with pytest.raises(NotResp, match="is closed: RESP AUTH disabled; use mTLS"):
        pop()


def test_an_error_for_the_pop_itself_is_no_refused_key(pop, scripted):
    scripted.replies = [OK, b"-ERR unsupported channel 'queue'\r\n"]
    with pytest.raises(Unavailable, match="CPA answers the pop with: unsupported channel 'queue'"):
        pop()


def test_a_login_forgotten_by_cpa_counts_as_refused(pop, scripted):
    scripted.replies = [OK, b"-NOAUTH Authentication required.\r\n"]
    for _ in range(2):
        with pytest.raises(Refused, match="Authentication required"):
            pop()
    assert len(scripted.asked) == 2


def test_a_server_that_repeats_the_key_does_not_get_it_into_an_error(pop, scripted):
    scripted.replies = [f"-ERR invalid management key '{SECRET}' \x1b[31m\r\n".encode()]
    with pytest.raises(Refused) as raised:
        pop()
    assert str(raised.value) == "CPA refuses the management key: invalid management key '****'  [31m"


def test_a_subscriber_keeps_the_records_that_came_before_the_garbage(key, scripted):
    message = b"*3\r\n$7\r\nmessage\r\n$5\r\nusage\r\n$7\r\n"
    greeting = b"*3\r\n$9\r\nsubscribe\r\n$5\r\nusage\r\n:1\r\n"
    scripted.replies = [OK, greeting + message + b'{"a":1}\r\n' + b"junk\r\n", OK, b"*0\r\n"]
    queue, records = CpaQueue("subscribe", key), []
    with pytest.raises(Interrupted, match=r"^The subscription was cut: "):
        while True:
            records += queue.pop(10)
    assert records == [b'{"a":1}']
    queue.close()


@pytest.mark.parametrize("body", [b"{}", b"[1,", b"null", b"<html>", b"", b"[" * 100_000])
def test_an_http_reply_that_is_no_list_may_have_cost_records(key, scripted, body):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    scripted.replies = [head + body]
    with pytest.raises(Interrupted, match="no list of records"):
        CpaQueue("http", key).pop(10)


def test_an_http_reply_cut_midway_may_have_cost_records(key, scripted):
    scripted.replies = [last(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{}")]
    with pytest.raises(Interrupted, match="CPA's management API broke off: "):
        CpaQueue("http", key).pop(10)
