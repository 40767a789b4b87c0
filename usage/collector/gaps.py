"""Gaps: the times in which records may have been lost.

That is when CPA's queue was not read for longer than CPA keeps records, when CPA stopped, or when a connection broke.
"""

import contextlib
import threading
from collections import deque
from pathlib import Path
from typing import NamedTuple

from django.utils.translation import gettext_noop as _

from usage.time.clock import now_us, steady_us
from usage.time.units import SECOND_US

RETENTION_US = 60 * SECOND_US  # CPA's default, until we know what is configured
NEVER = -(2**63)

UNREAD = _("CPA's queue was not read for longer than the %s seconds it keeps records")
STOPPED = _("CPA was stopped, and what waited in its queue is lost")
LOST = _("The disk of the spool took no more records, and the drain ended with these in memory: they may be lost")
DIED = _("The drain died while it was subscribed to CPA's queue")
OVERFLOWED = _("The drain had not read for a while before, so the subscription may have overflowed")

SILENCE_US = SECOND_US  # a subscription that is read is read many times a second; CPA cuts it 256 records behind
DOUBT_US = 5 * SECOND_US  # what came through until CPA cut it is read in less


class FoundGap(NamedTuple):
    """A period (µs since the epoch) in which records may have been lost, the reason, and, if known, how many were lost
    in total and of each account."""

    start: int
    end: int
    reason: str
    lost: int | None = None
    lost_by: dict[str, int] | None = None


def clock_offset() -> int:
    """The difference between the time of day and the steady clock now, µs."""
    return now_us() - steady_us()


class GapDetector:
    """Follows the contacts with CPA's queue; gaps that are over are appended to `found`.

    Whatever happens between two contacts is one outage and leaves one gap. When CPA stopped or a connection broke, that
    is the whole time between them; else what CPA did not keep of it. It has the reason that came first, and any pause
    of our own as well.

    Times are of the steady clock, µs: the clock of the day may be set meanwhile. A gap is given in the time of day.
    """

    def __init__(self, offset=clock_offset):
        self._lock, self._offset_now, self._known_offset = threading.Lock(), offset, 0
        self._retention_us: int | None = None
        self._gone_before = NEVER  # what came into the queue before this was too old when the retention changed
        self._last: int | None = None
        self._first: int | None = None
        self._broken_at: int | None = None  # since the latest contact; a gap begins there if there was none
        self._broken = self._paused = ""  # why, since the latest contact
        self._read_at: int | None = None  # a subscription, the last time
        self._sure_from: int | None = None  # when contacts of a subscription count again, after it was not read
        self.found: deque[FoundGap] = deque()

    @property
    def last(self) -> int | None:
        """The latest contact of this process, µs since the epoch."""
        return self._last + self._offset() if self._first is not None else None

    @property
    def retention_us(self) -> int:
        """For how long CPA keeps a record that is not read; its default until that is known.

        It counts from the next contact, or resume(), on. A change counts from when it is set: what is older than
        the earlier value then is gone, however long CPA keeps records from now on.
        """
        return self._retention_us or RETENTION_US

    @retention_us.setter
    def retention_us(self, length: int | None):
        with self._lock:
            if self._retention_us and self._retention_us != length:
                self._gone_before = steady_us() - self._retention_us
            self._retention_us = length

    def contact(self, at: int, subscribed: bool = False):
        """The queue answered what it was asked at `at`, with records or without; `subscribed`: over a subscription that
        stood before.

        One that was not read for a while may have overflowed. Then CPA has closed it, which shows only after what still
        came through: until then nothing counts as a contact, for a gap begins at the latest one.
        """
        with self._lock:
            if self._is_doubtful(at, subscribed):
                return
            if self._broken or not (subscribed and self._sure_from is not None):
                self._close_gap(at)
            self._first = self._first or at
            self._last, self._broken_at, self._sure_from = at, None, None
            self._broken = self._paused = ""

    def interrupted(self, at: int, reason: str):
        """The connection broke while records were on their way."""
        with self._lock:
            self._broken_at = self._broken_at or at
            self._broken = self._broken or (reason if self._sure_from is None else _both(reason, OVERFLOWED))
            self._sure_from = None

    def stopped(self):
        """CPA is not running: what it had queued since the latest contact is lost."""
        with self._lock:
            self._broken = self._broken or STOPPED

    def paused(self, reason: str):
        """The queue is not read for a `reason` of our own, or CPA refuses us: the gap will name it."""
        with self._lock:
            self._paused = self._paused or reason

    def end(self, at: int):
        """This process ends at `at`, and with it a gap that no later contact has ended."""
        with self._lock:
            self._close_gap(at)
            self._broken = ""

    def lost(self, count: int, first: int, last: int):
        """`count` records that arrived from `first` to `last` (µs since the epoch) were in memory alone at an end."""
        with self._lock:
            self.found.append(FoundGap(first, last, LOST, count))

    def resume(self, last: int, subscribed: int | None):
        """Begin where an earlier process left off, whose latest known contact was at `last`, µs since the epoch.

        If it died while subscribed, its subscription began at `subscribed`, perhaps after its latest known contact.
        """
        with self._lock:
            last -= self._offset()
            if subscribed is not None and (subscribed := subscribed - self._offset()) > last:
                self._compare(last, subscribed)
                last = subscribed
            if self._first is None:
                self._last = last
                if subscribed is not None:
                    self._broken = DIED
            elif subscribed is not None:  # the database was away when this process began to read
                self._add(last, self._first, DIED)
            else:
                self._compare(last, self._first)

    def _offset(self):
        """The offset, kept until the clock is set: two clocks read one after the other differ a little each time."""
        if abs(self._offset_now() - self._known_offset) > SECOND_US:
            self._known_offset = self._offset_now()
        return self._known_offset

    def _is_doubtful(self, at, subscribed):
        before, self._read_at = self._read_at, at
        if subscribed and before is not None and at - before > SILENCE_US:
            self._sure_from = at + DOUBT_US
        return subscribed and self._sure_from is not None and at < self._sure_from

    def _close_gap(self, at: int):
        before = self._broken_at if self._last is None else self._last
        if before is None:
            return
        if self._broken:
            costly = self._paused if at - before > self.retention_us else ""
            self._add(before, at, _both(self._broken, costly))
        else:
            self._compare(before, at, self._paused)

    def _compare(self, before: int, at: int, reason: str = ""):
        gone = max(at - self.retention_us, self._gone_before)
        if gone > before:
            self._add(before, min(gone, at), reason or UNREAD % (self.retention_us // SECOND_US))

    def _add(self, start: int, end: int, reason: str):
        offset = self._offset()
        self.found.append(FoundGap(start + offset, end + offset, reason))


def _both(reason: str, other: str) -> str:
    return f"{reason.rstrip('.')}. {other.rstrip('.')}." if other else reason


class SubscriptionFile:
    """A file in the spool's folder that exists during a subscription: if it is found at a start, a subscriber died.

    The database learns of a subscription a little later, and not at all while it is away.
    """

    def __init__(self, directory: Path):
        """`left_behind`: when the subscription of an earlier process that died began, µs since the epoch; or None."""
        self._path, self._lock = Path(directory) / "subscribed", threading.Lock()
        self._subscribed = False
        self.left_behind: int | None = None
        if self._path.is_file():
            self.left_behind = self._path.stat().st_mtime_ns // 1000

    def note(self, subscribed: bool):
        """A subscription begins, or was left in good order."""
        with self._lock:
            self._subscribed = subscribed
            self._update()

    def gap_recorded(self):
        """The gap of an earlier process is recorded: from now on the file is about this process alone."""
        with self._lock:
            if self.left_behind is not None:
                self.left_behind = None
                self._update()

    def _update(self):
        with contextlib.suppress(OSError):  # a disk that is full must not keep us from reading
            if self._subscribed or self.left_behind is not None:
                self._path.touch(0o600, exist_ok=False)  # an existing file keeps its time
            else:
                self._path.unlink()
