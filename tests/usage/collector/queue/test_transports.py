"""The three queue of the queue, and which of them is used, against a simulated CPA over real sockets."""

from datetime import timedelta

import httpx
import pytest

from tests.waiting import until
from usage.collector.queue import CpaQueue, Interrupted, NotResp, NotRunning, Refused, Unavailable

RECORDS = [b'{"n":%d,"text":"\xc3\xa9 \\u003c"}' % n for n in range(250)]
MODES = ("pop", "subscribe", "http")


def everything(queue, count, limit=100):
    """Pop until `count` records came."""
    records = []
    until(lambda: records.extend(queue.pop(limit)) or len(records) >= count)
    return records


@pytest.fixture
def queue(key):
    opened = []

    def of(mode, clock=None):
        opened.append(CpaQueue(mode, key, clock=clock) if clock else CpaQueue(mode, key))
        return opened[-1]

    yield of
    for one in opened:
        one.close()


@pytest.mark.parametrize("mode", MODES)
def test_every_transport_gives_what_was_queued_before_and_what_comes_then_byte_for_byte_in_order(cpa, queue, mode):
    cpa.push(*RECORDS[:150])
    one = queue(mode)
    first = everything(one, 150)
    cpa.push(*RECORDS[150:])
    assert first + everything(one, 100) == RECORDS
    assert (one.mode, cpa.queued, cpa.auth_failures) == (mode, 0, 0)


@pytest.mark.parametrize("mode", ("pop", "http"))
def test_a_pop_takes_no_more_than_asked_and_an_empty_queue_gives_nothing(cpa, queue, mode):
    cpa.push(*RECORDS[:5])
    one = queue(mode)
    assert [one.pop(3), one.pop(3), one.pop(3)] == [RECORDS[:3], RECORDS[3:5], []]


def test_a_subscriber_hears_the_cue_to_refresh_but_not_the_greeting(cpa, queue):
    one = queue("subscribe")
    assert one.pop(10) == []
    cpa.refresh()
    cpa.push(RECORDS[0])
    assert everything(one, 2) == [b'{"refresh":true}', RECORDS[0]]


def test_leaving_a_subscription_returns_what_was_on_its_way_and_cpa_queues_from_then_on(cpa, queue):
    one = queue("subscribe")
    one.pop(10)
    cpa.push(*RECORDS[:20])
    assert one.close() == RECORDS[:20]
    until(lambda: not cpa.connections)
    cpa.push(*RECORDS[20:30])
    assert (cpa.subscribers, cpa.queued) == (0, 10)
    assert everything(one, 10) == RECORDS[20:30]


def test_a_subscription_cut_by_cpa_is_told_once_and_nothing_queued_meanwhile_is_missed(cpa, queue):
    one = queue("subscribe")
    one.pop(10)
    cpa.drop_connections()
    until(lambda: not cpa.subscribers)
    cpa.push(*RECORDS[:10])
    with pytest.raises(Interrupted, match=r"^The subscription was cut: The connection to CPA's queue broke: "):
        one.pop(10)
    assert everything(one, 10) == RECORDS[:10]


def drop(cpa):
    """Every connection is closed, as far as those at its other end can see."""
    cpa.drop_connections()
    until(lambda: not cpa.connections)


@pytest.mark.parametrize("mode", ("pop", "auto"))
def test_a_connection_closed_between_two_pops_is_told_once_cpa_answers_again(cpa, queue, mode):
    one = queue(mode)
    one.pop(1)
    drop(cpa)
    cpa.push(*RECORDS[:3])
    with pytest.raises(Interrupted, match=r"^CPA closed the connection between two pops: if it was restarted, "):
        one.pop(10)
    assert (one.pop(10), one.mode) == (RECORDS[:3], "pop")


def test_a_connection_closed_between_two_pops_is_told_before_http_serves_instead(cpa, queue):
    one = queue("auto")
    one.pop(1)
    drop(cpa)
    cpa.resp = False
    cpa.push(*RECORDS[:3])
    with pytest.raises(Interrupted, match=r"^CPA closed the connection between two pops: "):
        one.pop(10)
    assert (one.pop(10), one.mode) == (RECORDS[:3], "http")


def test_a_connection_closed_after_a_long_rest_or_by_a_proxy_is_made_anew(cpa, queue, monkeypatch):
    monkeypatch.setattr("usage.collector.queue.resp.IDLE_SECONDS", 0)
    for mode in ("pop", "http"):
        one = queue(mode)
        one.pop(1)
        drop(cpa)
        cpa.push(*RECORDS[:3])
        assert one.pop(10) == RECORDS[:3]


def test_a_cpa_found_stopped_is_told_as_that_alone(cpa, queue):
    one = queue("pop")
    one.pop(1)
    cpa.stop()
    with pytest.raises(NotRunning):
        one.pop(1)
    cpa.start()
    assert one.pop(1) == []


def test_many_large_records_of_a_subscription_are_handed_on_in_parts(cpa, queue, monkeypatch):
    monkeypatch.setattr("usage.collector.queue.subscribe.PART_BYTES", 50)  # two of our records
    one = queue("subscribe")
    one.pop(100)
    cpa.push(*RECORDS[:9])
    assert [one.pop(100) for _ in range(4)] == [RECORDS[n : n + 2] for n in (0, 2, 4, 6)]


@pytest.mark.parametrize("mode", MODES)
def test_a_restarted_cpa_is_found_again_and_meanwhile_it_is_away(cpa, queue, mode):
    one = queue(mode)
    one.pop(1)
    cpa.stop()
    with pytest.raises(Unavailable):
        one.pop(1)
    with pytest.raises(NotRunning):
        one.pop(1)
    cpa.start()
    cpa.push(RECORDS[0])
    assert everything(one, 1) == RECORDS[:1]


@pytest.mark.parametrize("mode", (*MODES, "auto"))
def test_a_refused_key_is_tried_once_in_ten_minutes_and_then_again(cpa, queue, clock, settings, mode):
    settings.CPA_MANAGEMENT_KEY = "wrong"
    one = queue(mode, clock)
    for _ in range(5):
        with pytest.raises(Refused, match="CPA refuses the management key: invalid management key"):
            one.pop(1)
    assert cpa.auth_failures == 1
    clock.now += 599
    with pytest.raises(Refused):
        one.pop(1)
    assert cpa.auth_failures == 1
    clock.now += 10
    with pytest.raises(Refused):
        one.pop(1)
    assert cpa.auth_failures == 2


def test_all_transports_of_a_process_share_what_is_known_of_the_key(cpa, queue, settings):
    settings.CPA_MANAGEMENT_KEY = "wrong"
    for mode in (*MODES, "auto"):
        with pytest.raises(Refused):
            queue(mode).pop(1)
    assert cpa.auth_failures == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_ban_is_a_refusal(cpa, queue, mode):
    for _ in range(5):
        httpx.get(f"{cpa.base_url}/v0/management/config", headers={"Authorization": "Bearer guess"})
    with pytest.raises(Refused, match=r"IP banned due to too many failed attempts\. Try again in"):
        queue(mode).pop(1)


@pytest.mark.parametrize("mode", MODES)
def test_a_cpa_that_cannot_be_found_is_away_but_not_known_to_be_stopped(settings, queue, mode):
    settings.REDIS_QUEUE_ADDR, settings.CPA_BASE_URL = "cpa.invalid:8317", "http://cpa.invalid:8317"
    with pytest.raises(Unavailable) as raised:
        queue(mode).pop(1)
    assert type(raised.value) is Unavailable


def test_mode_auto_pops(cpa, queue):
    cpa.push(*RECORDS[:3])
    one = queue("auto")
    assert (one.pop(10), one.mode) == (RECORDS[:3], "pop")


def test_mode_auto_goes_over_http_where_resp_is_refused_and_back_when_it_is_not(cpa, queue, clock):
    cpa.resp = False
    cpa.push(*RECORDS[:3])
    one = queue("auto", clock)
    assert (one.pop(2), one.mode) == (RECORDS[:2], "http")
    clock.now += 301
    assert (one.pop(1), one.mode) == (RECORDS[2:3], "http")
    cpa.resp = True
    cpa.push(*RECORDS[3:5])
    assert (one.pop(1), one.mode) == (RECORDS[3:4], "http")  # not looked at again so soon
    clock.now += 301
    assert (one.pop(1), one.mode) == (RECORDS[4:5], "pop")
    assert cpa.auth_failures == 0


@pytest.mark.parametrize("mode", ("pop", "subscribe"))
def test_a_forced_mode_stays_what_it_is_and_says_why_nothing_comes(cpa, queue, mode):
    cpa.resp = False
    one = queue(mode)
    with pytest.raises(NotResp, match="does not speak RESP"):
        one.pop(1)
    assert one.mode == mode


def test_mode_auto_subscribes_as_well_while_it_is_told_to(cpa, queue):
    other, one = queue("subscribe"), queue("auto")
    other.pop(1)
    cpa.push(*RECORDS[:3])
    assert one.pop(10) == []
    assert (one.change_to(True), one.pop(10), one.mode) == ([], [], "subscribe")
    cpa.push(*RECORDS[3:6])
    assert everything(one, 3) == RECORDS[3:6]
    assert everything(other, 6) == RECORDS[:6]
    other.close()
    cpa.push(*RECORDS[6:9])
    until(lambda: cpa.published == 12)
    assert (one.change_to(False), one.mode) == (RECORDS[6:9], "pop")  # what was on its way is not lost
    cpa.push(*RECORDS[9:12])
    assert everything(one, 3) == RECORDS[9:12]


@pytest.mark.parametrize("mode", ["pop", "subscribe", "http"])
def test_another_mode_stays_what_it_is(cpa, queue, mode):
    one = queue(mode)
    assert (one.change_to(True), one.change_to(False), one.mode) == ([], [], mode)


def test_an_error_of_the_http_api_is_told(cpa, queue):
    cpa.fail_paths = {"/v0/management/usage-queue": 503}
    with pytest.raises(Unavailable, match="CPA's management API answers 503: injected failure"):
        queue("http").pop(1)
    cpa.fail_paths = {"/v0/management/usage-queue": 404}
    with pytest.raises(Unavailable, match="is this CPA, and is its management API switched on"):
        queue("http").pop(1)


def test_a_pop_over_http_that_is_not_answered_may_have_cost_records(cpa, queue, settings):
    settings.CPA_TIMEOUT = timedelta(seconds=0.5)
    cpa.hang_paths = {"/v0/management/usage-queue"}
    with pytest.raises(Interrupted, match="broke off: ReadTimeout"):
        queue("http").pop(1)
