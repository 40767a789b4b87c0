"""What a server says that is no CPA, or a CPA whose reply breaks off: told apart by whether records may be lost."""

import re

import pytest

from tests.usage.collector.queue.conftest import dripping, last
from usage.collector.queue import Away, Cut, Doors, NotResp, Refused

OK = b"+OK\r\n"
REPLY = b'*2\r\n$7\r\n{"a":1}\r\n$7\r\n{"a":2}\r\n'
SECRET = "lab-management-key"


@pytest.fixture
def pop(key, scripted):
    doors = Doors("pop", key)
    yield lambda limit=10: doors.pop(limit)
    doors.close()


def test_it_says_exactly_auth_and_lpop(pop, scripted):
    scripted.replies = [OK, REPLY, REPLY]
    assert [pop(), pop(7)] == [[b'{"a":1}', b'{"a":2}']] * 2
    assert scripted.asked == [
        b"*2\r\n$4\r\nAUTH\r\n$18\r\nlab-management-key\r\n",
        b"*3\r\n$4\r\nLPOP\r\n$5\r\nusage\r\n$2\r\n10\r\n",
        b"*3\r\n$4\r\nLPOP\r\n$5\r\nusage\r\n$1\r\n7\r\n",
    ]


@pytest.mark.parametrize("cut", range(0, len(REPLY), 5))
def test_of_a_reply_that_breaks_off_anywhere_whole_records_are_kept_and_the_next_pop_connects_anew(pop, scripted, cut):
    scripted.replies = [OK, last(REPLY[:cut]), OK, REPLY]
    whole = cut >= REPLY.index(b'$7\r\n{"a":2}')
    if whole:
        assert pop() == [b'{"a":1}']
    with pytest.raises(Cut):
        pop()
    assert len(pop()) == 2


def test_a_large_reply_that_breaks_off_costs_what_was_unread_and_no_part_before(key, scripted, monkeypatch):
    monkeypatch.setattr("usage.collector.queue.replies.PART_BYTES", 1)
    scripted.replies = [OK, last(REPLY[:-9]), OK, REPLY]
    doors = Doors("pop", key)
    assert (doors.pop(10), doors.unread) == ([b'{"a":1}'], True)
    with pytest.raises(Cut):
        doors.pop(10)
    assert [(doors.pop(10), doors.unread) for _ in range(2)] == [([b'{"a":1}'], True), ([b'{"a":2}'], False)]
    doors.close()


def test_a_reply_that_drips_is_given_up_however_busily_it_does(pop, scripted, monkeypatch):
    scripted.replies = [OK, REPLY, dripping(REPLY * 9), OK, REPLY]
    pop()
    with monkeypatch.context() as patch, pytest.raises(Cut, match=r"a reply was not complete after 0\.2 s"):
        patch.setattr("usage.collector.queue.link.REPLY_SECONDS", 0.2)
        pop()
    assert len(pop()) == 2


@pytest.mark.parametrize(
    "reply", [b"+fine\r\n", b":5\r\n", b"*1\r\n:5\r\n", b"*2\r\n$1\r\na\r\n$-1\r\n", b"*1\r\n-ERR no\r\n"]
)
def test_an_answer_of_another_shape_is_no_list_of_records(pop, scripted, reply):
    scripted.replies = [OK, reply]
    with pytest.raises(Cut, match=r"^CPA's queue answers a pop with something that is no list of records\.$"):
        pop()


@pytest.mark.parametrize("reply", [b"what?\r\n", b"*x\r\n", b"$3\r\nabcd\r\n", b"\x00\xff" * 40 + b"\r\n"])
def test_garbage_is_neither_fatal_nor_believed(pop, scripted, reply):
    scripted.replies = [OK, reply, OK, REPLY]
    with pytest.raises(Cut):
        pop()
    assert len(pop()) == 2


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x01\x00\x02", b"hello\r\n", last()])
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
    with pytest.raises(Away, match="CPA answers the pop with: unsupported channel 'queue'"):
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


def test_a_reply_too_large_to_hold_is_given_up(pop, scripted, monkeypatch):
    monkeypatch.setattr("usage.collector.queue.link.REPLY_BYTES", 1000)
    scripted.replies = [OK, b"*1\r\n$2000\r\n" + b"x" * 1500]
    with pytest.raises(Cut, match="a reply of more than 0 MB was given up"):
        pop()


def test_a_subscriber_keeps_the_records_that_came_before_the_garbage(key, scripted):
    message = b"*3\r\n$7\r\nmessage\r\n$5\r\nusage\r\n$7\r\n"
    greeting = b"*3\r\n$9\r\nsubscribe\r\n$5\r\nusage\r\n:1\r\n"
    scripted.replies = [OK, greeting + message + b'{"a":1}\r\n' + b"junk\r\n", OK, b"*0\r\n"]
    doors, records = Doors("subscribe", key), []
    with pytest.raises(Cut, match=r"^The subscription was cut: "):
        while True:
            records += doors.pop(10)
    assert records == [b'{"a":1}']
    doors.close()


@pytest.mark.parametrize("body", [b"{}", b"[1,", b"null", b"<html>", b""])
def test_an_http_reply_that_is_no_list_may_have_cost_records(key, scripted, body):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    scripted.replies = [head + body]
    with pytest.raises(Cut, match="no list of records"):
        Doors("http", key).pop(10)


def test_an_http_reply_cut_midway_may_have_cost_records(key, scripted):
    scripted.replies = [last(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{}")]
    with pytest.raises(Cut, match="CPA's management API broke off: "):
        Doors("http", key).pop(10)
