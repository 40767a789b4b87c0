"""Gaps in what was recorded."""

import re
from collections import Counter
from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone

FOLDED_WITHIN = timedelta(minutes=1)  # of each other, for the same kind of reason
ONE_OUTAGE = timedelta(seconds=5)  # without trouble: no less between two gaps of different outages
LONGEST_REASON = 500
SAME_MOMENT = timedelta(milliseconds=1)


class GapQuerySet(models.QuerySet):
    """Gaps, and what a person does with them."""

    def standing(self):
        """Gaps that were not dismissed."""
        return self.filter(dismissed_at=None)

    def dismiss(self) -> int:
        """Dismiss them: they stay in lists and raise no notice. Returns how many were not dismissed before."""
        return self.standing().update(dismissed_at=timezone.now())

    def restore(self) -> int:
        """Take a dismissal back. Returns how many were dismissed."""
        return self.exclude(dismissed_at=None).update(dismissed_at=None)


class Gap(models.Model):
    """A span in which records may have been lost, shown rather than hidden."""

    start = models.DateTimeField()
    end = models.DateTimeField()
    reason = models.CharField(max_length=LONGEST_REASON)
    lost = models.BigIntegerField(null=True, help_text="How many records, where that is known.")
    lost_by = models.JSONField(default=dict, help_text="How many of each account, by auth_index, where that is known.")
    times = models.IntegerField(default=1, help_text="How many gaps in a row this stands for.")
    dismissed_at = models.DateTimeField(null=True, help_text="When a person put it aside.")

    objects = GapQuerySet.as_manager()

    class Meta:
        ordering = ["-start"]

    def __str__(self):
        return f"{self.start} to {self.end}: {self.reason}"

    @classmethod
    @transaction.atomic
    def record(cls, start, end, reason: str, lost: int | None = None, lost_by: dict | None = None) -> "Gap":
        """Keep a gap, `lost_by` {auth_index: records} where that is known; returns the row it is in.

        A gap with the start of an earlier one is that one again: it has the new end and numbers, and the earlier
        reason. One that begins within a minute of an earlier one for the same kind of reason, or within seconds for
        any, as in a loop of restarts, is folded into it: `times` counts them, other reasons are added and numbers
        summed; `lost` is None unless it is known of all. A gap that was dismissed stays as it is.
        """
        gap = cls(start=start, end=end, reason=reason[:LONGEST_REASON], lost=lost, lost_by=lost_by or {})
        near = cls.objects.standing().filter(start__lte=start + SAME_MOMENT, end__gte=start - FOLDED_WITHIN)
        found = next((each for each in near.select_for_update() if each._goes_on_with(gap)), None)
        if found is None:
            gap.save()
            return gap
        found._take_in(gap)
        return found

    def add_lost(self, by: dict[str, int]):
        """Note how many records of each account (by auth_index) were lost, once that is known."""
        self.lost_by = self._lost_with(by)
        self.lost = sum(self.lost_by.values())
        self.save(update_fields=["lost", "lost_by"])

    def _lost_with(self, by):
        return dict(Counter(self.lost_by) + Counter(by))

    def _goes_on_with(self, gap: "Gap") -> bool:
        if (self.lost is None) == (gap.lost is None) and gap.start - self.end < ONE_OUTAGE:
            return True
        return _kind(self.reason) == _kind(gap.reason)

    def _take_in(self, gap: "Gap"):
        self.end = max(self.end, gap.end)
        if gap.start - self.start < SAME_MOMENT:
            self.lost, self.lost_by = gap.lost, gap.lost_by
        else:
            self.times += 1
            if _kind(gap.reason) not in self.reason:
                self.reason = f"{self.reason.rstrip('.')}. {gap.reason}"[:LONGEST_REASON]
            self.lost = None if None in (self.lost, gap.lost) else self.lost + gap.lost
            self.lost_by = self._lost_with(gap.lost_by)
        self.save(update_fields=["end", "reason", "lost", "lost_by", "times"])


def _kind(reason):
    """What the reasons of one kind have in common: all before numbers and an error's own words."""
    return re.split(r"[:(\d]", reason)[0]
