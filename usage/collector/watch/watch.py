"""The main thread's side: it asks for refreshes of CPA's lists when they are due, and judges the rounds."""

import time
from collections import Counter

from django.conf import settings
from django.utils.translation import gettext_noop as _

from catalog.models import Connection, Provider
from catalog.tasks import queue_sync
from cpa_usage.incidents import Incident
from usage.collector.gaps import FoundGap
from usage.collector.watch.asker import Asker
from usage.collector.watch.counters import Comparison, Round
from usage.collector.watch.rivals import Phase, Rivals
from usage.models import DrainState, Gap
from usage.time.clock import moment_of, now_us
from usage.time.units import SECOND_US

SCHEDULED_SECONDS = 60  # from this interval on the task cluster's own schedule does it, which cannot do it more often

OFF = "CPA's usage statistics are switched off, so it drops its records."
WAS_OFF = _("CPA's usage statistics were switched off, so it dropped its records")
TAKEN = _("Another program takes CPA's records")
SUBSCRIBED = f"{TAKEN}. cpa-usage has subscribed as well, so it gets them too."
UNSURE = _("CPA counts requests whose records do not come: another program takes them, or CPA writes none for them")
CURES = {
    "pop": "Set QUEUE_MODE to auto, which subscribes as well, or stop the other program.",
    "http": "Over HTTP nothing can be done about it here: stop the other program, or let REDIS_QUEUE_ADDR reach CPA.",
}


class Watch:
    """Follows catalog's Connection row and the rounds for the drain. `state` is what it shares with the reader, `right`
    that to drain, of lock.py.
    """

    def __init__(self, state, asker: Asker, right):
        self._state, self._asker, self._right = state, asker, right
        self._rivals = Rivals()
        self._indexes: dict[tuple[str, str], str] = {}
        self._sync_at = time.monotonic()
        self._begun = False
        self._on_at: int | None = None  # when statistics were last seen switched on, µs since the epoch
        self._off = False

    def begin(self):
        """Go on from the counters with which an earlier process ended in good order. Raises django.db.Error."""
        self._follow_retention()
        if self._begun:
            return
        if left_off := Incident.objects.filter(kind="statistics", until=None).first():  # when an earlier process died
            self._on_at = int(left_off.since.timestamp() * SECOND_US)
        if counted := DrainState.load().counted:
            self._rivals = Rivals(Comparison(counted["base"], counted["agreed_at"]))
            self._note_counted()  # they hold for what this process receives, all of it
        self._begun = True

    def sync_when_due(self):
        """Ask the task cluster for a refresh, when CPA said that something changed or a short interval is over."""
        changed = self._state.wants_sync
        if not changed and not self._interval_over():
            return
        self._state.wants_sync = False  # before asking: a change that comes meanwhile counts again
        try:
            queue_sync(changed)
        except Exception:
            self._state.wants_sync = changed
            raise

    def check(self):
        """Judge what the asker has found since the last look. Raises django.db.Error."""
        if self._asker.enabled is not None:
            self._switched(self._asker.enabled, self._asker.enabled_at)
        found, self._asker.latest = self._asker.latest, None
        if found is None:
            return
        self._follow_retention()
        round, keys = found
        if round.complete and not self._off:
            self._compare(round._replace(counted=self._by_account(round.counted, keys)))

    def end(self, left: bool):
        """This process ends; `left`: in good order, so that the next one can go on from its counters."""
        if self._off:
            self._add_gap(self._on_at, now_us(), WAS_OFF)
        comparison, received = self._rivals.comparison, self._state.received.copy()
        if left and comparison.agreed_at:
            base = {account: least + received.get(account, 0) for account, least in comparison.base.items()}
            self._note_counted(agreed_at=comparison.agreed_at, base=base)

    def _note_counted(self, **counted):
        with self._right.writing():
            DrainState.objects.filter(pk=1).update(counted=counted)

    def _follow_retention(self):
        known = Connection.objects.filter(pk=1).values_list("retention_seconds", flat=True).first()
        self._state.gaps.retention_us = known and known * SECOND_US

    def _switched(self, enabled: bool, at: int):
        """Note a change of CPA's statistics, and the time in which they were off."""
        if enabled is self._off:
            if self._off:
                self._add_gap(self._on_at, at, WAS_OFF)
                self._state.errors.resolve("statistics", "CPA writes its usage records again.")
            else:
                self._state.errors.report("statistics", OFF)
            self._off = not enabled
            with self._right.writing():
                Connection.change(statistics_enabled=enabled)
        if enabled or self._on_at is None:
            self._on_at = at

    def _compare(self, round: Round):
        rivals, may_subscribe = self._rivals, settings.QUEUE_MODE == "auto" and self._state.mode != "http"
        rivals.look(round, may_subscribe, self._known_gap)
        self._state.wants_subscription = rivals.subscribe
        while rivals.losses:
            start, end, by, sure = rivals.losses.pop(0)
            self._add_gap(start, end, TAKEN if sure else UNSURE, by)
        self._report(rivals)

    def _report(self, rivals: Rivals):
        errors = self._state.errors
        if rivals.confirmed:
            errors.report("rival", SUBSCRIBED)
        else:
            errors.resolve("rival", "No other program takes CPA's records any more.")
        if rivals.phase is Phase.UNSURE:
            errors.report("counted", f"{UNSURE}. {CURES.get(self._state.mode, '')}")
        else:
            errors.resolve("counted", "The records of the requests that CPA counts come again.")

    def _known_gap(self, missing: dict[str, int]) -> bool:
        """Whether a gap is known since counters and records last agreed; how many it lost is noted then.

        What another drain of ours may have popped waits in its spool, and is not lost.
        """
        if self._right.shared:
            return True
        since = moment_of(self._rivals.comparison.agreed_at)
        gap = Gap.objects.filter(end__gt=since, lost=None).first()
        if gap:
            with self._right.writing():
                gap.add_lost(missing)
        return gap is not None

    def _add_gap(self, start: int, end: int, reason: str, by: dict[str, int] | None = None):
        start = min(start, end)  # the clock may have been put back
        self._state.gaps.found.append(FoundGap(start, end, reason, sum(by.values()) if by else None, by))

    def _by_account(self, files: dict[str, int], keys: dict[tuple[str, str], int]) -> dict[str, int]:
        """All counters by auth_index; a key that CPA's lists do not show yet is left out."""
        if not keys.keys() <= self._indexes.keys():
            known = Provider.objects.values_list("base_url", "key_fingerprint", "auth_index")
            listed = Counter((url, key) for url, key, _index in known)  # one key in two lists is counted for both
            self._indexes = {(url, key): index for url, key, index in known if listed[url, key] == 1}
        return files | {self._indexes[name]: count for name, count in keys.items() if name in self._indexes}

    def _interval_over(self) -> bool:
        seconds = settings.METADATA_SYNC_INTERVAL.total_seconds()
        if seconds >= SCHEDULED_SECONDS or time.monotonic() < self._sync_at:
            return False
        self._sync_at = time.monotonic() + seconds
        return True
