"""The proof that nothing went wrong unseen: the database is sound, and every total equals its events to the unit."""

import time
from collections import Counter
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from usage.integrity import damage, tables
from usage.models import DrainState, Event
from usage.periods import SECOND, local_day
from usage.rebuild import Difference, check, kept_days

SHOWN = 10


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


def prove() -> Proof:
    """Look at the structure a table at a time and recount the events a day at a time; safe beside all that runs.

    A damaged database is not counted: its figures mean nothing. Raises django.db.Error when it is away.
    """
    began, at = time.monotonic(), timezone.now()
    damaged = list(islice(damage(), SHOWN))
    days, differences, wrong, events = 0, [], 0, 0
    if not damaged:
        days = len(kept_days())
        differences, wrong = _compare()
        events = Event.objects.between(DrainState.load().events_from, None).count()
    return Proof(at, time.monotonic() - began, len(tables()), days, events, damaged, differences, wrong)


def keep(proof: Proof):
    """Note the result for /status and the System page."""
    noted = {"proved_at": proof.at, "proof": proof.sentence, "proof_holds": proof.holds}
    if not DrainState.objects.filter(pk=1).update(**noted):
        DrainState.objects.update_or_create(pk=1, defaults=noted)


def _compare() -> tuple[list[Difference], int]:
    """The first differences and the number of all, without those of a day that retention took away meanwhile."""
    found, counts = [], Counter()
    for difference in check():
        counts[difference.rollup, difference.bucket] += 1
        if len(found) < 1000:
            found.append(difference)
    start = (DrainState.load().events_from or 0) // SECOND
    wrong = sum(count for (rollup, bucket), count in counts.items() if _is_kept(rollup, bucket, start))
    return [each for each in found if _is_kept(each.rollup, each.bucket, start)][:SHOWN], wrong


def _is_kept(rollup, bucket, start) -> bool:
    """Whether a bucket begins in the kept detail, or outlives it; most rollups count in seconds."""
    if rollup in ("Day", "CutDay"):
        return bucket >= local_day(start, settings.TIME_ZONE)
    return rollup == "Month" or bucket >= start
