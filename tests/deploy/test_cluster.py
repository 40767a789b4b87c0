"""Two drains on one PostgreSQL: one is at work, and the other takes over when that is killed, cut off or stopped."""

import time

import pytest

from tests.deploy.cluster import COUNTS, traffic
from tests.deploy.postgresql import address
from tests.faults.relay import Relay
from tests.faults.stage import AT_WORK, START
from tests.usage.collector.spooled import files, left_in
from tests.usage.made import record
from tests.waiting import until

TAKEOVER_S = 10
OWNER = "SELECT owner FROM usage_drainstate WHERE owner <> ''"
STORED = "SELECT array_agg(timestamp) FROM usage_event"
STANDING_BY = "standing by until it ends"
LIMIT = 20  # records in a reply at most
CUT_S = 0.5
IN_A_COPY = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%' AND wait_event = 'ClientRead'"


@pytest.fixture
def cut(servers):
    """A server, and a network to it that can be cut: what is sent is lost in it, and nothing comes back."""
    server = servers()
    relay = Relay("127.0.0.1", server.port)
    yield server, relay
    relay.passing.set()
    relay.stop()


def cut_off(server, relay):
    """Cut the network, but not in the middle of a COPY: the kernel answers for the relay when the server asks whether
    its client is still there, as a proxy in between does (docs/postgresql.md), and no machine that is gone.
    """

    def is_cut():
        relay.passing.clear()
        time.sleep(CUT_S)
        if server.query(IN_A_COPY) is None:
            return True
        relay.passing.set()
        return False

    until(is_cut)


def taken_over(server, owner) -> float:
    """Seconds until another drain has the right, and has stored records."""
    began = time.monotonic()
    until(lambda: server.query(OWNER) not in (owner, None))
    before = server.stored
    until(lambda: server.stored > before)
    return time.monotonic() - began


def test_a_drain_that_is_killed_or_cut_off_is_replaced_and_nothing_is_lost_or_doubled(cpa, machine, cut, soak):
    server, relay = cut
    one = machine(address(f"127.0.0.1:{relay.port}"), REDIS_QUEUE_BATCH_SIZE=str(LIMIT))
    other = machine(server.address)
    with traffic(cpa) as records:
        first = one.drain()
        first.says(AT_WORK)
        until(lambda: server.stored)
        second = other.drain()
        second.says(STANDING_BY)
        owner = server.query(OWNER)
        cut_off(server, relay)
        assert CUT_S + taken_over(server, owner) < TAKEOVER_S
        assert AT_WORK in second.log
        until(lambda: one.waiting)  # it goes on taking records, into its spool
        time.sleep(60 if soak else 0)
        relay.passing.set()
        first.says("Another drain took over")
        second.says("asks for the right to drain")
        until(lambda: not one.waiting)
        owner = server.query(OWNER)
        first.popen.kill()
        first.popen.wait()
        spooled = set(left_in(one.spool))
        assert taken_over(server, owner) < TAKEOVER_S
    one.drain()  # it may have left a batch, whole or in the making
    until(lambda: not (cpa.queued or files(one.spool) or files(other.spool)))
    for each in (one, other):
        each.end()  # what one had popped by then and not spooled is stored, too
    assert not files(one.spool) + files(other.spool)
    stored = {(at - START) // 1000 for at in server.query(STORED)[0]}
    lost = sorted(set(range(records.sent)) - stored)
    assert lost == list(range(min(lost, default=0), max(lost, default=-1) + 1))[:LIMIT]  # at most one reply, that was
    assert spooled.isdisjoint(record(START + number * 1000) for number in lost)  # popped and not yet in the spool
    assert server.query(COUNTS) == (records.sent - len(lost),) * 2
    assert server.query("SELECT count(*) FROM usage_gap") == (0,)
    assert server.query("SELECT count(*) FROM cpa_usage_incident WHERE kind IN ('rival', 'counted')") == (0,)
