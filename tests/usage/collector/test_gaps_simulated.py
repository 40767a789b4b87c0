"""Gaps against what a simulated CPA really lost, over minutes that pass at once."""

import pytest

from catalog.cpa import Cpa
from simulator import Simulator
from tests.usage.collector.conftest import point_to
from tests.usage.collector.spooled import batches
from usage.collector.gaps import STOPPED
from usage.collector.queue import CpaQueue, Key
from usage.collector.reader import REFUSED, Reader, ReaderState
from usage.collector.spool import Spool
from usage.models import Gap
from usage.time.clock import moment_of
from usage.time.units import SECOND_US

pytestmark = pytest.mark.django_db


class Drained:
    """A CPA on a stopped clock, and a reader with its spool. `pushed`: records by the second in which they came."""

    def __init__(self, cpa, clock, home):
        self.cpa, self.clock, self.pushed = cpa, clock, {}
        self.state, self.spool = ReaderState(), Spool(home)
        self.start()
        self.learn()
        self.reader.step()

    def start(self):
        """Begin to read with a key of which nothing is known."""
        self.reader = Reader(CpaQueue("pop", Key()), self.spool, self.state)

    def learn(self):
        """Read from CPA how long it keeps records."""
        with Cpa() as cpa:
            self.state.gaps.retention_us = cpa.queue_retention() * SECOND_US

    def push_until(self, second, every):
        """A record each `every` seconds, in the middle of it, until `second`."""
        while self.clock.now < second:
            self.clock.now += every / 2
            self.pushed[self.clock.now] = b'{"at":%d}' % (self.clock.now * 1000)
            self.cpa.push(self.pushed[self.clock.now])
            self.clock.now += every / 2

    def keep_gaps(self):
        """Write them to the database."""
        for gap in self.state.gaps.found:
            Gap.record(moment_of(gap.start), moment_of(gap.end), *gap[2:])

    @property
    def gaps(self):
        """Spans in seconds of the clock."""
        return [(gap.start / SECOND_US, gap.end / SECOND_US) for gap in self.state.gaps.found]

    def lost(self):
        """The seconds of records that never came; all of them lie in a gap, and no other record does."""
        came = {raw for batch in batches(self.spool) for raw in batch}
        for second, raw in self.pushed.items():
            assert (raw in came) != any(start <= second <= end for start, end in self.gaps), second
        return [second for second, raw in self.pushed.items() if raw not in came]


@pytest.fixture
def drained(settings, clock, set_clock, home, monkeypatch):
    """A function that makes one for a retention in seconds."""
    set_clock(0)
    for module in ("reader", "gaps"):
        monkeypatch.setattr(f"usage.collector.{module}.steady_us", lambda: int(clock.now * SECOND_US))
    monkeypatch.setattr("usage.collector.gaps.now_us", lambda: int(clock.now * SECOND_US))
    running = []

    def drained(kept):
        cpa = Simulator(retention_seconds=kept, clock=clock).start()
        running.append(cpa)
        point_to(settings, cpa.host, cpa.port, cpa.management_key)
        return Drained(cpa, clock, home)

    yield drained
    for cpa in running:
        cpa.stop()


@pytest.mark.parametrize(
    ("kept", "silence", "lost"),
    [(10, 9, 0), (10, 40, 30), (60, 59, 0), (60, 100, 40), (3600, 3500, 0), (3600, 3640, 40)],
)
def test_what_cpa_no_longer_had_is_in_a_gap_and_what_it_still_had_is_in_none(drained, clock, kept, silence, lost):
    one = drained(kept)
    one.push_until(clock.now + silence, 1)
    for _ in range(20):
        one.reader.step()
    assert (len(one.lost()), len(one.gaps), one.cpa.expired) == (lost, bool(lost), lost)


@pytest.mark.parametrize(("kept", "then"), [(60, 3600), (3600, 10)])
def test_a_retention_that_changes_while_nothing_is_read_counts_from_then_on(drained, clock, kept, then):
    one = drained(kept)
    one.push_until(clock.now + 100, 1)
    with Cpa() as cpa:  # CPA itself looks at what is too old now and again
        cpa.queue_retention()
    assert one.cpa.queued == min(kept, 100)
    one.cpa._state.queue.retention_seconds = then
    one.learn()
    one.push_until(clock.now + 20, 1)
    for _ in range(20):
        one.reader.step()
    assert (len(one.lost()), len(one.gaps)) == (40 if kept == 60 else 110, 1)


def test_a_cpa_that_stops_and_comes_back_after_minutes_is_one_gap(drained, clock):
    one = drained(60)
    one.push_until(clock.now + 5, 1)
    last = one.state.gaps.last / SECOND_US
    one.cpa.stop()
    for _ in range(30):
        clock.now += 10
        assert one.reader.step().error
    one.cpa.start()
    clock.now += 10
    one.reader.step()
    [gap] = one.state.gaps.found
    assert (gap.start / SECOND_US, gap.end / SECOND_US) == (last, clock.now)
    assert STOPPED in gap.reason or "closed the connection" in gap.reason
    assert len(one.lost()) == 5


@pytest.mark.parametrize("cut", [False, True])
def test_a_key_that_is_refused_for_minutes_is_one_gap_that_says_so(drained, clock, cut):
    one = drained(60)
    one.cpa._state.bans.key = "another one"
    if cut:
        one.cpa.drop_connections()
        assert one.reader.step().error
    else:
        one.start()
    for _ in range(30):
        assert "key" in one.reader.step().error
        one.push_until(clock.now + 10, 1)
    one.cpa._state.bans.key = one.cpa.management_key
    one.start()
    for _ in range(20):
        one.reader.step()
    [gap] = one.state.gaps.found
    assert REFUSED in gap.reason
    assert one.cpa.auth_failures == 1
    if not cut:
        assert (len(one.lost()), one.gaps) == (240, [(1000, 1240)])


@pytest.mark.parametrize("good_seconds", [1, 30])
def test_twenty_restarts_of_cpa_in_a_row_are_one_row(drained, clock, good_seconds):
    one = drained(60)
    for _ in range(20):
        one.cpa.stop()
        assert one.reader.step().error
        one.cpa.start()
        clock.now += 2
        while one.reader.step().error:
            pass
        clock.now += good_seconds
        one.reader.step()
    one.keep_gaps()
    assert [(gap.times, gap.lost) for gap in Gap.objects.all()] == [(20, None)]


def test_an_outage_over_which_the_drain_is_restarted_is_one_row_with_its_first_reason(drained, clock):
    one = drained(60)
    one.cpa._state.bans.key = "another one"
    one.start()
    last = one.state.gaps.last
    for _ in range(3):
        clock.now += 100
        assert "key" in one.reader.step().error
        one.state.gaps.end(int(clock.now * SECOND_US))
        one.keep_gaps()
        one.cpa._state.bans.forget()
        one.state = ReaderState()
        one.state.gaps.resume(last, None)
        one.start()
    one.cpa._state.bans.key = one.cpa.management_key
    clock.now += 100
    one.reader.step()
    one.keep_gaps()
    [gap] = Gap.objects.all()
    assert (gap.start, gap.end) == (moment_of(last), moment_of(last + 340 * SECOND_US))
    assert (gap.reason, gap.times) == (REFUSED, 1)
