"""The state report: how the drain is doing, written where the status page and other processes read it."""

import time

from django.db.models import F
from django.utils import timezone

from cpa_usage.incidents import Incident
from usage.collector.gaps import SubscriptionFile
from usage.collector.reader import ReaderState
from usage.collector.spool import Spool
from usage.models import DrainState, Gap
from usage.time.clock import moment_of
from usage.time.units import SECOND_US

HEARTBEAT_SECONDS = 5  # one small write this often, also when nothing happens
BUSY_SECONDS = 1  # the most often while batches are stored
INCIDENTS = ("queue", "spool", "database", "statistics", "rival", "counted")  # of the drain; "key" is the catalogue's


class StateReport:
    """Writes the row of DrainState, and a Gap for each period in which records may have been lost."""

    def __init__(self, state: ReaderState, spool: Spool, subscription: SubscriptionFile, right, clock=time.monotonic):
        """`right`: the right to drain, from lock.py."""
        self._state, self._spool, self._subscription, self._clock = state, spool, subscription, clock
        self._writing = right.writing
        self._batches, self._mode = 0, ""
        self._begun: dict[str, str] | None = None  # the incidents as last written, by kind
        self.lag_ms: int | None = None  # of the batch that was stored last, until it is written
        self._resumed = False
        self._written_at = -HEARTBEAT_SECONDS

    def begin(self):
        """Make sure there is a row; the first time, learn from it when the queue was last read before this process."""
        row, _ = DrainState.objects.get_or_create(pk=1)
        if not self._resumed:
            self._resume(row)
        self._resumed = True

    @property
    def due(self) -> bool:
        """Whether it is time to write: at once when the transport changed, for a death while subscribed is a gap.

        At once also when the database answers again: until then it says that it does not.
        """
        if self._state.mode != self._mode or "database" in dict(self._state.errors.ended):
            return True
        news = self.lag_ms is not None or self._incidents() != self._begun
        return self._clock() - self._written_at >= (BUSY_SECONDS if news else HEARTBEAT_SECONDS)

    def write(self, left: bool = False):
        """Write everything; `left`: the queue was left in good order, so that no transport is in use any more."""
        self._save_gaps()
        self._save_incidents()
        mode, batches = self._state.mode, self._state.batches
        fields = {
            "heartbeat_at": timezone.now(),
            "batches_popped": F("batches_popped") + batches - self._batches,
            "spool_files": self._spool.depth,
            "spool_bytes": self._spool.bytes,
        }
        if last := self._state.gaps.last:  # what is known of an earlier process stays until there is something newer
            fields["last_pop_at"] = moment_of(last)
        if self.lag_ms is not None:
            fields["lag_ms"] = self.lag_ms
        if mode:  # until this process reached the queue, and with it noted the gap, the row keeps the earlier one's
            fields["mode"] = "" if left else mode
            self._subscription.gap_recorded()
        with self._writing():
            DrainState.objects.filter(pk=1).update(**fields)
        self._batches, self.lag_ms, self._written_at = batches, None, self._clock()
        self._mode = mode

    def _resume(self, row: DrainState):
        """Tell the gap detector what an earlier process left, here or on another machine with the same database."""
        subscribed = self._subscription.left_behind
        last = int(row.last_pop_at.timestamp() * SECOND_US) if row.last_pop_at else subscribed
        if row.mode == "subscribe":
            subscribed = subscribed or last
        if last is not None:
            self._state.gaps.resume(last, subscribed)
        if left := self._spool.held.left_behind:
            self._state.gaps.lost(*left)

    def _save_gaps(self):
        found = self._state.gaps.found
        while found:
            start, end, reason, lost, lost_by = found[0]
            with self._writing():
                Gap.record(moment_of(start), moment_of(end), reason, lost, lost_by)
            found.popleft()  # only now: a database that goes away meanwhile must not cost us the gap
        if self._spool.held.left_behind:
            self._spool.held.recorded()

    def _incidents(self) -> dict[str, str]:
        return {kind: fault.sentence for kind, fault in list(self._state.errors.lasting.items())}

    def _save_incidents(self):
        """Save incidents that are over first: the database may have been away all the while."""
        errors, now = self._state.errors, self._incidents()
        while errors.ended:
            kind, fault = errors.ended[0]
            if kind in INCIDENTS:
                with self._writing():
                    Incident.begin(kind, fault.sentence, fault.since)
                    Incident.end(kind)
            errors.ended.popleft()
            self._begun = None  # it may be wrong again, in the same words
        if now != self._begun:
            with self._writing():
                for kind, fault in list(errors.lasting.items()):
                    if kind in INCIDENTS:
                        Incident.begin(kind, fault.sentence, fault.since)
                Incident.end(*(kind for kind in INCIDENTS if kind not in now))  # an earlier process may have left them
            self._begun = now
