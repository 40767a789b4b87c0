"""How the drain is doing, written where the status page and the other processes read it."""

import time
from datetime import UTC, datetime

from django.db.models import F
from django.utils import timezone

from usage.collector.continuity import Span
from usage.collector.marker import Marker
from usage.collector.progress import Progress
from usage.collector.spool import Spool
from usage.collector.trouble import Latest, Trouble
from usage.models import DrainState, Gap

HEARTBEAT_SECONDS = 5  # one small write this often, also when nothing happens
BUSY_SECONDS = 1  # the most often while batches are stored


class Report:
    """Writes the row of DrainState, and a Gap for each span in which records may have been lost."""

    def __init__(self, progress: Progress, spool: Spool, marker: Marker, troubles: list[Trouble], clock=time.monotonic):
        self._progress, self._spool, self._marker = progress, spool, marker
        self._troubles, self._clock = troubles, clock
        self._batches, self._mode = 0, ""
        self._error = Latest()
        self._lag_ms = None
        self._resumed = False
        self._written_at = -HEARTBEAT_SECONDS

    def begin(self):
        """Make sure there is a row; from the first one met, learn when the queue was last read before this process."""
        state, _ = DrainState.objects.get_or_create(pk=1)
        if not self._resumed:
            self._resume(state)
        self._resumed = True

    def stored(self, lag_ms: int):
        """A batch was stored, so there is something to tell."""
        self._lag_ms = lag_ms

    @property
    def due(self) -> bool:
        """Whether it is time to write. At once when another door is open: a death while subscribed leaves a gap."""
        if self._progress.mode != self._mode:
            return True
        news = self._lag_ms is not None or self._latest().sentence != self._error.sentence
        return self._clock() - self._written_at >= (BUSY_SECONDS if news else HEARTBEAT_SECONDS)

    def write(self, left: bool = False):
        """Write everything; `left`: the queue was left in good order, so no door is open any more."""
        self._save_gaps()
        mode, batches, error = self._progress.mode, self._progress.batches, self._latest()
        fields = {
            "heartbeat_at": timezone.now(),
            "batches_popped": F("batches_popped") + batches - self._batches,
            "spool_files": self._spool.depth,
            "spool_bytes": self._spool.bytes,
            **self._optional(error),
        }
        if mode:  # until this process reached the queue, and with it noted the gap, the row keeps the earlier one's
            fields["mode"] = "" if left else mode
            self._marker.told()
        DrainState.objects.filter(pk=1).update(**fields)
        self._batches, self._error, self._lag_ms, self._written_at = batches, error, None, self._clock()
        self._mode = mode

    def _resume(self, state):
        """Tell what an earlier process left: here, or on another machine with the same database."""
        subscribed = self._marker.left_behind
        last = _microseconds(state.last_pop_at) if state.last_pop_at else subscribed
        if state.mode == "subscribe":
            subscribed = subscribed or last
        if last is not None:
            self._progress.continuity.resume(last, subscribed)

    def _optional(self, error: Latest) -> dict:
        """Fields that keep what is known of an earlier process until there is something newer."""
        fields = {}
        if last := self._progress.continuity.last:
            fields["last_pop_at"] = _moment(last)
        if self._lag_ms is not None:
            fields["lag_ms"] = self._lag_ms
        if error is not self._error:
            fields |= {"last_error": error.sentence, "last_error_at": error.at}
        return fields

    def _latest(self) -> Latest:
        met = [trouble.latest for trouble in self._troubles if trouble.latest.at]
        return max(met, key=lambda latest: latest.at, default=self._error)

    def _save_gaps(self):
        spans = self._progress.continuity.spans
        while spans:
            Gap.objects.create(**_gap(spans[0]))
            spans.popleft()  # only now: a database that goes away meanwhile must not cost us the gap


def _gap(span: Span) -> dict:
    return {"start": _moment(span.start), "end": _moment(span.end), "reason": span.reason[:500]}


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1_000_000, UTC)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
