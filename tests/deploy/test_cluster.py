"""Two drains on one PostgreSQL: one is at work, and the other takes over when that is killed, cut off or stopped."""

import time

import pytest

from tests.deploy.cluster import COUNTS, traffic
from tests.deploy.postgresql import address
from tests.faults.relay import Relay
from tests.faults.stage import AT_WORK
from tests.waiting import until

TAKEOVER_S = 10
OWNER = "SELECT owner FROM usage_drainstate WHERE owner <> ''"
STANDING_BY = "standing by until it ends"


@pytest.fixture
def cut(servers):
    """A server, and a network to it that can be cut: what is sent is lost in it, and nothing comes back."""
    server = servers()
    relay = Relay("127.0.0.1", server.port)
    yield server, relay
    relay.passing.set()
    relay.stop()


def taken_over(server, owner) -> float:
    """Seconds until another drain has the right, and has stored records."""
    began = time.monotonic()
    until(lambda: server.query(OWNER) not in (owner, None))
    before = server.stored
    until(lambda: server.stored > before)
    return time.monotonic() - began


def test_a_drain_that_is_killed_or_cut_off_is_replaced_and_nothing_is_lost_or_doubled(cpa, machine, cut, soak):
    server, relay = cut
    one, other = machine(address(f"127.0.0.1:{relay.port}")), machine(server.address)
    with traffic(cpa) as records:
        first = one.drain()
        first.says(AT_WORK)
        until(lambda: server.stored)
        second = other.drain()
        second.says(STANDING_BY)
        owner = server.query(OWNER)
        relay.passing.clear()
        assert taken_over(server, owner) < TAKEOVER_S
        assert AT_WORK in second.log
        until(lambda: one.waiting)  # it goes on taking records, into its spool
        time.sleep(60 if soak else 0)
        relay.passing.set()
        first.says("Another drain took over")
        second.says("asks for the right to drain")
        until(lambda: not one.waiting)
        owner = server.query(OWNER)
        first.popen.kill()
        assert taken_over(server, owner) < TAKEOVER_S
    one.drain()  # it may have left a batch
    until(lambda: not (cpa.queued or one.waiting or other.waiting))
    until(lambda: server.query(COUNTS) == (records.sent, records.sent))
    assert server.query("SELECT count(*) FROM usage_gap") == (0,)
    assert server.query("SELECT count(*) FROM cpa_usage_incident WHERE kind IN ('rival', 'counted')") == (0,)
