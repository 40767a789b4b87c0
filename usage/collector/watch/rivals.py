"""Whether another program takes CPA's records: CPA's counters show it, and a subscription of ours where one is allowed.

CPA gives every subscriber all records and keeps none for those who pop. So records that are missing while we pop and
complete while we are subscribed went to another program; CPA counts some requests without a record (count_tokens,
streams without usage), and those are missing either way.
"""

import math
from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from usage.collector.watch.counters import Comparison, Round
from usage.time.units import HOUR_US, MINUTE_US, SECOND_US

GROWING_ROUNDS = 3  # with more missing each, before anything is done
CLEAN_ROUNDS = 3  # with records and none missing, after which it was a burst of count_tokens
FORGET_US = HOUR_US  # what went missing once and no more is forgotten
CHANCE = 0.01  # of requests without a record having ended just when we subscribed
FEWEST = 3  # records that have to come before a conclusion
UNSURE_LEAST, UNSURE_SHARE, UNSURE_US = 5, 2 / 3, 20 * SECOND_US  # what is missing, where we cannot subscribe
MIXED_LEAST, MIXED_SHARE = 5, 1 / 3  # records in a trial, and the share that may be missing, when none came before it
STAY_US = HOUR_US  # subscribed, when CPA counts requests that it writes no record of
FIRST_TRY_US = MINUTE_US  # until we look whether the other program has gone; twice as long each time, up to
LAST_TRY_US = HOUR_US
SLOW = 5  # records in a round: what comes in one or two is lost by looking, when it has not gone. With more, so much
PATIENCE_US = 15 * MINUTE_US  # later


class Phase(Enum):
    """CALM: nothing is suspected. TRIAL: subscribed, to find out. TAKEN: another program takes records, so we stay
    subscribed. RETURN: popping again, to see whether it has gone. UNWRITTEN: subscribed, and records are missing all
    the same, so CPA does not write them. UNSURE: they are missing, and we cannot subscribe."""

    CALM, TRIAL, TAKEN, RETURN, UNWRITTEN, UNSURE = range(6)


class Loss(NamedTuple):
    """Records that did not come, by account, from and to a moment, µs since the epoch; `sure`: another program took
    them."""

    start: int
    end: int
    by: dict[str, int]
    sure: bool = True


class Rivals:
    """Follows the rounds. `subscribe`: what we should do now; `losses` collects what was taken, once it is known."""

    def __init__(self, comparison: Comparison | None = None):
        self.comparison = comparison or Comparison()
        self.losses: list[Loss] = []
        self.subscribe = self.confirmed = False
        self.missing: dict[str, int] = {}
        self._wait_us, self._next_at, self._came = FIRST_TRY_US, 0, None
        self._enter(Phase.CALM)

    def look(self, found: Round, may_subscribe: bool, explains: Callable[[dict[str, int]], bool] = lambda by: False):
        """Judge a complete round. `explains` tells whether a known gap is why these are missing, by account."""
        before, came = sum(self.missing.values()), sum(found.after.values())
        self.missing = self.comparison.missing(found)
        grew, arrived = sum(self.missing.values()) > before, came - (came if self._came is None else self._came)
        self._came = came
        self._records += arrived
        self._rounds += arrived > 0 or grew
        self._growing += grew
        self._clean = 0 if grew else self._clean + (arrived > 0)
        if self.missing and self.phase is Phase.CALM and (found.subscribed or explains(self.missing)):
            self._agree(found)  # a subscriber gets everything: what is missing was not written
        steps = {
            Phase.CALM: self._calm,
            Phase.TRIAL: self._trial,
            Phase.TAKEN: self._taken,
            Phase.RETURN: self._return,
            Phase.UNWRITTEN: self._unwritten,
            Phase.UNSURE: self._unsure,
        }
        steps[self.phase](found, may_subscribe)

    def _calm(self, found, may_subscribe):
        if self._clean >= CLEAN_ROUNDS:
            self._agree(found)
        elif self.missing and found.at - self.comparison.agreed_at > FORGET_US:
            self._forget(found)
        if not self.missing:
            self._enter(Phase.CALM)
        elif self._growing < GROWING_ROUNDS:
            return
        elif may_subscribe:
            self._begin_trial()
        elif self._is_unsure(found):
            self._enter(Phase.UNSURE)
            self._begin_comparing(found)

    def _forget(self, found):
        """What is missing will not be explained any more; where nothing at all came, it may have been taken."""
        if not self._records and sum(self.missing.values()) >= FEWEST:
            self.losses.append(Loss(self.comparison.agreed_at, found.at, self.missing, sure=False))
        self._agree(found)

    def _begin_comparing(self, found):
        """Count what comes and what is missing from now on."""
        self._lately, self._records, self._rounds = Comparison(), 0, 0
        self._lately.missing(found)

    def _begin_trial(self):
        missing = sum(self.missing.values())
        least = max(missing - 2 * math.sqrt(missing), 0.4)  # as many as are to be expected in such a time
        self._share, self._starved = least / (least + self._records), not self._records
        self._before = self._records / self._rounds, missing / self._rounds
        self.subscribe = True
        self._enter(Phase.TRIAL)

    def _trial(self, found, may_subscribe):
        if not may_subscribe or not self.missing:
            self._give_up(found)
        elif not found.subscribed:
            return
        elif self._loss is None:
            self._loss = Loss(self.comparison.agreed_at, found.at, self.comparison.at_most(found))
            self._begin_comparing(found)
        elif unwritten := self._lately.missing(found):
            self._weigh(found, _share(unwritten, self._records))
        else:  # nothing more is lost, so the round in which the fewest were on their way says how many were
            fewest = Counter(self._loss.by) & Counter(self.comparison.at_most(found))
            self._loss = self._loss._replace(by=dict(fewest))
            if self._rounds > 2 and self._records >= self._enough(found) and self._recovered:
                self._confirm(found)
            elif found.at - self._loss.end > STAY_US:
                self._give_up(found)

    @property
    def _recovered(self) -> bool:
        """Whether clearly more comes in a round than before the trial, about as many more as were missing then.

        After a burst of requests without a record as many come as during it.
        """
        came, missing = (rate * self._rounds for rate in self._before)
        return self._records >= came + max(missing / 2, 2 * math.sqrt(came))

    def _enough(self, found) -> int:
        """Records after which one that CPA does not write would have been seen; a round hides as many as came in it."""
        hidden = sum(found.after.values()) - sum(found.before.values())
        if self._starved:
            return FEWEST + hidden
        expected = (1 - self._share) / self._share  # records between two that are missing
        return max(FEWEST, math.ceil((2 * hidden + math.log(1 / CHANCE)) * expected))

    def _weigh(self, found, share):
        """CPA writes no record of a `share` of what it counts now; decide whether more than that was missing before."""
        if not self._starved or share > MIXED_SHARE:
            self._agree(found)
            self._enter(Phase.UNWRITTEN)
            self.confirmed, self._next_at = False, found.at + STAY_US
        elif self._rounds > 2 and self._records >= MIXED_LEAST:
            taken = +Counter({account: round(count * (1 - share)) for account, count in self._loss.by.items()})
            self._loss = self._loss._replace(by=dict(taken))
            self._confirm(found)

    def _confirm(self, found):
        self._wait_us = min(self._wait_us * 2, LAST_TRY_US) if self.confirmed else FIRST_TRY_US
        self.losses.append(self._loss)
        self.confirmed, self._next_at = True, found.at + self._wait_us
        self._agree(found)
        self._enter(Phase.TAKEN)

    def _taken(self, found, may_subscribe):
        self._agree(found)
        if not may_subscribe:
            self._give_up(found)
        elif found.at >= self._next_at + (PATIENCE_US if self._records > SLOW else 0):
            self._enter(Phase.RETURN)
            self.subscribe = False
        self._records = 0  # of one round

    def _return(self, found, may_subscribe):
        if found.subscribed:
            self._agree(found)
        elif self._rounds > 1 and self._records + sum(self.missing.values()) >= FEWEST:
            if _share(self.missing, self._records) > MIXED_SHARE:
                self._begin_trial()
            else:
                self._give_up(found)

    def _unwritten(self, found, may_subscribe):
        self._agree(found)
        if not may_subscribe or found.at >= self._next_at:
            self._give_up(found)

    def _unsure(self, found, may_subscribe):
        lately = self._lately.missing(found)
        if may_subscribe:
            self._give_up(found)
        elif self._rounds > 2:
            if _share(lately, self._records) < UNSURE_SHARE:
                self.losses.append(Loss(self.comparison.agreed_at, found.at, self.missing, sure=False))
                self._give_up(found)
            else:
                self._begin_comparing(found)

    def _is_unsure(self, found):
        lasts = found.at - self.comparison.agreed_at >= UNSURE_US
        enough = sum(self.missing.values()) >= UNSURE_LEAST
        return lasts and enough and _share(self.missing, self._records) >= UNSURE_SHARE

    def _agree(self, found):
        self.comparison.agree(found)
        self.missing = {}

    def _give_up(self, found):
        """Pop again: the other program has gone, or never was there, or we cannot subscribe any more."""
        self._agree(found)
        self.subscribe = self.confirmed = False
        self._enter(Phase.CALM)

    def _enter(self, phase):
        self.phase, self._loss = phase, None
        self._growing = self._clean = self._records = self._rounds = 0


def _share(missing: dict[str, int], came: int) -> float:
    """The share of the missing records in all."""
    return sum(missing.values()) / (sum(missing.values()) + came)
