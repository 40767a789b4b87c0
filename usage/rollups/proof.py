"""The proof that nothing went wrong unseen: the database is sound, and every total equals its events to the unit."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from usage.ingest.labelvalues import LabelTotals
from usage.models import DrainState, Event
from usage.rollups.check import Difference, closed_days, wrong_in_closed_days, wrong_in_day
from usage.rollups.counting import kept_days
from usage.rollups.integrity import damage_in, looks, tables
from usage.time.periods import local_day
from usage.time.units import SECOND_US

SHOWN = 10
NOTED = 1000  # differences; of some we learn later that retention took their day meanwhile
# The steps of a verification: the first two list the others.
STRUCTURE, TOTALS, TABLE, DAY, CLOSED_DAYS = "structure", "totals", "table", "day", "closed days"


class Proof(NamedTuple):
    """What was looked at and what was found; `damage` and `differences` hold the first ten, `wrong` counts them all."""

    at: datetime
    seconds: float
    tables: int
    days: int
    events: int
    damage: list[str]
    differences: list[Difference]
    wrong: int

    @property
    def holds(self) -> bool:
        """Whether all is as it should be."""
        return not self.damage and not self.wrong

    @property
    def sentence(self) -> str:
        """The result in a line, at most 500 characters."""
        if self.holds:
            return f"The totals of {self.days} days equal their {self.events:,} events, and the database is sound."
        if self.damage:
            return f"The database is damaged, restore a backup: {self.damage[0]}"[:500]
        return f"{self.wrong} totals differ from their events: run manage.py rebuildrollups."


@dataclass
class Verification:
    """A proof under way: a table, a day or a month a step, and between two steps it holds nothing of the database.

    Its fields are plain values, for they may wait in the queue of the task cluster.
    """

    at: datetime = field(default_factory=timezone.now)
    seconds: float = 0.0
    steps: list[tuple] = field(default_factory=lambda: [(STRUCTURE,)])  # to come
    first: int | None = None  # day of the kept detail when the days were listed; None: nothing was kept
    days: int = 0  # how many were listed
    damage: list[str] = field(default_factory=list)
    differences: list[tuple] = field(default_factory=list)
    wrong: dict[tuple[str, int], int] = field(default_factory=dict)  # (rollup, bucket) -> rows

    def go_on(self, seconds: float = float("inf")) -> bool:
        """Take steps for about so long, one at least; whether there are more. Raises django.db.Error."""
        before, began, totals = self.seconds, time.monotonic(), LabelTotals()
        while self.steps:
            self._take(totals, *self.steps.pop(0))
            self.seconds = before + time.monotonic() - began
            if self.seconds - before >= seconds:
                break
        return bool(self.steps)

    def proof(self) -> Proof:
        """The result. Differences of a day that retention took away meanwhile are none."""
        start, events = DrainState.load().events_from, 0
        if not self.damage:
            events = Event.objects.between(start, None).count()
        first = (start or 0) // SECOND_US
        shown = [Difference(*each) for each in self.differences if self._is_kept(*each[:2], first)][:SHOWN]
        wrong = sum(count for key, count in self.wrong.items() if self._is_kept(*key, first))
        return Proof(self.at, self.seconds, len(tables()), self.days, events, self.damage[:SHOWN], shown, wrong)

    def _take(self, totals: LabelTotals, step: str, *of):
        if step == STRUCTURE:
            self.steps = [*((TABLE, look) for look in looks()), (TOTALS,)]
        elif step == TABLE:
            self.damage += damage_in(*of)
        elif step == TOTALS and not self.damage:  # the figures of a damaged database mean nothing
            days = kept_days()
            self.first, self.days = min(days, default=None), len(days)
            self.steps = [*((DAY, day) for day in days), *((CLOSED_DAYS, *span) for span in closed_days())]
        elif step == DAY:
            self._note(wrong_in_day(*of, totals))
        elif step == CLOSED_DAYS:
            self._note(wrong_in_closed_days(*of, totals))

    def _is_kept(self, rollup, bucket, start) -> bool:
        """Whether a bucket lies in the detail kept from second `start` on, or was a closed day from the beginning."""
        if rollup in ("Day", "LabelDay"):
            return self.first is None or bucket < self.first or bucket >= local_day(start, settings.TIME_ZONE)
        return bucket >= start

    def _note(self, differences: list[Difference]):
        for each in differences:
            self.wrong[each[:2]] = self.wrong.get(each[:2], 0) + 1
        self.differences += map(tuple, differences[: NOTED - len(self.differences)])


def prove() -> Proof:
    """Look at the structure a table at a time and recount the events a day at a time; safe while everything else runs.

    Raises django.db.Error when the database is away.
    """
    verification = Verification()
    verification.go_on()
    return verification.proof()


def keep(proof: Proof):
    """Note the result for /status and the System page."""
    noted = {"proved_at": proof.at, "proof": proof.sentence, "proof_holds": proof.holds}
    if not DrainState.objects.filter(pk=1).update(**noted):
        DrainState.objects.update_or_create(pk=1, defaults=noted)
