"""Values of a label become one: another of them, or "(other)". Their events and every total follow, a day at a time.

Totals equal their events after each day, so that a run may be cut off anywhere and the next one carries on.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from django.db import transaction
from django.db.models import Sum

from cpa_usage.keys import fingerprint
from pricing.book import Charged, PriceBook
from pricing.models import Model
from usage.ingest.costs import Costs
from usage.ingest.folding import ALWAYS, folded
from usage.ingest.labels import Labels, labels_of, rows_of
from usage.ingest.labelvalues import LabelTotals, summed
from usage.ingest.statements import move, upsert
from usage.models import Day, DrainState, Event, ImportedDay, Lease, Series
from usage.models.labels import OTHER, Label
from usage.rollups.counting import edges_of, kept_days, stored
from usage.rollups.effects import Effect, Past
from usage.rollups.forgetting import CHUNK, forget_labels
from usage.rollups.rebuild import rebuild_day, sum_days
from usage.rollups.recosting import INPUT
from usage.rollups.retention import LEASE, Slices
from usage.time.units import SECOND_US

ROUNDS = 2  # the second takes what was stored during the first


class Refused(ValueError):
    """Nothing was merged; the sentence says why."""


def matching(label: Label, patterns: Iterable[str]) -> list[str]:
    """Stored values that a pattern such as `junk-*` fits, by themselves or as they are shown; keys also as they are.

    Never the blank, nor (other).
    """
    patterns = list(patterns)
    names = {*patterns, *map(fingerprint, patterns)}
    rows = Series.values_of(label).iterator()
    fits = (row for row in rows if any(text in names or any(fnmatchcase(text, p) for p in patterns) for text in row))
    return sorted({value for value, *_ in fits}.difference(ALWAYS))


def target(label: Label, text: str) -> str:
    """The stored value that a text names, or that of (other). Raises Refused when there is not exactly one."""
    if text == OTHER:
        return label.other
    names = {text, fingerprint(text)}
    found = {row[0] for row in Series.values_of(label).iterator() if not names.isdisjoint(row)}
    if len(found) != 1:
        raise Refused(f"{label.title} {text}: {'several have' if found else 'nothing has'} this name.")
    return found.pop()


@dataclass
class Merge:
    """Stored values of a label, and the one that they become."""

    label: Label
    values: list[str]
    into: str

    @property
    def series(self):
        """The label sets that will go."""
        return Series.objects.filter(**{f"{self.label.column}__among": [v for v in self.values if v != self.into]})

    @property
    def requests(self) -> int:
        """How many attempts are moved."""
        return Day.objects.filter(series__in=self.series.values("id")).aggregate(n=Sum("requests"))["n"] or 0

    @property
    def _moved(self) -> dict:
        """What becomes of Charged."""
        if self.label.name == "model":
            return {"model_id": Model.objects.filter(name=self.into).values_list("id", flat=True).first() or 0}
        return dict.fromkeys({self.label.name} & {*Charged._fields}, self.into)

    def effect(self) -> Effect:
        """What it does to costs, month by month."""
        return Past(self.series, None, self._moved).priced_by(PriceBook.load(), relabel=self.label.name == "model")

    def run(self, pause: Callable[[float], object] = time.sleep) -> Iterator[tuple[int, int]]:
        """Merge; yields (days done, days in all) after each day. `pause` is called between them.

        Raises Refused while retention or another merge runs, django.db.Error when the database is away.
        """
        lease = Lease.take("retention", LEASE)
        if lease is None:
            raise Refused("Retention or another merge is running: try again when it is done.")
        try:
            yield from self._run(Slices(lease, pause).between)
        finally:
            lease.release()

    def _run(self, between):
        targets = {}
        for _ in range(ROUNDS):
            self._meet(targets, between)
            days = list(Day.objects.filter(series__in=self.series.values("id")).buckets())
            for done, day in enumerate(days, 1):
                began = time.monotonic()
                self._move(day, targets)
                between(time.monotonic() - began)
                yield done, len(days)
        gone = {"model": "models", "api_key": "keys"}.get(self.label.name)
        forget_labels(between, **{gone: self.values} if gone else {})

    def _meet(self, targets: dict[int, int], between):
        """Add the series that each one's events go to, which differs in the label alone, by its id."""
        ids = [id for id in self.series.values_list("id", flat=True) if id not in targets]
        for at in range(0, len(ids), CHUNK):
            with transaction.atomic():
                DrainState.lock()
                wanted = self._merged(Series.objects.filter(id__among=ids[at : at + CHUNK]))
                rows = rows_of(set(wanted.values()))
                targets |= {id: rows[labels] for id, labels in wanted.items()}
            between(0)

    def _merged(self, series) -> dict[int, Labels]:
        """The label sets that series become."""
        field, found = self.label.field, labels_of(series)
        if self.into == self.label.other:
            return {id: folded(labels, [field]) for id, labels in found.items()}
        wanted = {field: self.into}
        if field == "source":
            wanted |= Series.objects.filter(source=self.into).values("source_display").first()
        return {id: labels._replace(**wanted) for id, labels in found.items()}

    @transaction.atomic
    def _move(self, day, targets):
        """Move what was counted on a local day: events and what they add up to, or what is left of a closed day."""
        DrainState.lock()
        totals = LabelTotals()
        if day in kept_days():
            start, end = (edge * SECOND_US for edge in edges_of(day))
            events = Event.objects.between(start, end).filter(series__id__among=list(targets)).order_by()
            move(self._destinations(events, targets))
            rebuild_day(day, totals)
        else:
            self._move_closed(day, targets)
            sum_days(day, day + 1, totals)

    def _destinations(self, events, targets) -> list[tuple[int, int, int]]:
        """(series, time, event) of each event, at the context size and hour that it has by the prices there."""
        found, others, moved, book = [], defaultdict(list), self._moved, PriceBook.load()
        relabel = self.label.name in {"model", "requested_model"}
        own = ("series__context_over", "series__clock", "series__model_id", "series__requested_model")
        rows = events.annotate(input=INPUT).values_list("series_id", "id", "timestamp", "input", *own)
        for series, id, timestamp, size, over, clock, model, name in rows:
            names = moved.get("model_id", model), moved.get("requested_model", name)
            if relabel and (label := book.labels(*names, size, timestamp)) != (over, clock):
                others[series, *label].append((timestamp, id))
            else:
                found.append((targets[series], timestamp, id))
        return found + self._relabelled(others)

    def _relabelled(self, events) -> list[tuple[int, int, int]]:
        """(series, time, event) of events by series, context size and hour."""
        merged = self._merged(Series.objects.filter(id__among=sorted({series for series, *_ in events})))
        wanted = {key: merged[key[0]]._replace(context_over=key[1], clock=key[2]) for key in events}
        rows = rows_of(set(wanted.values()))
        return [(rows[wanted[key]], *event) for key, found in events.items() for event in found]

    def _move_closed(self, day, targets):
        moved, costs = defaultdict(list), Costs(PriceBook.load())
        for (_, series), row in stored(Day, day, day + 1).items():
            if series in targets:
                moved[day, targets[series]].append(row)
        costs.learn(Series.objects.filter(id__among=[series for _, series in moved]))
        rows = summed(moved)
        for (_, series), row in rows.items():
            costs.fill(series, day, row)
        Day.objects.filter(bucket=day, series__id__among=list(targets)).delete()
        upsert(Day, rows)
        for old, new in targets.items():  # what imports added to the day
            ImportedDay.objects.filter(bucket=day, series=old).update(series=new)
