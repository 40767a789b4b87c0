"""The writer of an import: like the drain's, with what other sources know and what is older than the kept detail."""

from collections.abc import Callable

from django.conf import settings

from pricing.models import Model
from pricing.tasks import price_models
from usage.imports.formats import Item
from usage.ingest.batch import dead_letter
from usage.ingest.duplicates import unseen
from usage.ingest.writer import Stored, Writer, bury
from usage.models import Day, DeadLetter, Import
from usage.records.record import Malformed
from usage.rollups.retention import Slices
from usage.time.periods import local_day
from usage.time.units import SECOND_US


def price_all(between: Callable[[], object] = lambda: None):
    """Look up every model that the catalogue was not asked about; `between` is called after each few seconds of it."""
    while price_models().models:
        between()


class DetailMoved(Exception):
    """The kept detail begins elsewhere than when the import began."""


class Read:
    """Items read: records, the first that happened first, dead letters, and what the source says that records cost
    (USD, by fingerprint)."""

    def __init__(self, items: list[Item], arrived: int, newest_first: bool = False):
        self.records, self.dead, self.costs = [], [], {}
        for item in reversed(items) if newest_first else items:
            try:
                record = item.record(arrived)
            except Malformed as error:
                self.dead.append(dead_letter(item.raw, arrived, DeadLetter.Kind.IMPORTED, str(error)))
                continue
            if record is not None:
                self.records.append(record)
                if item.cost:
                    self.costs[record.fingerprint] = item.cost
        self.position = items[-1].position

    def untaken(self, since: int | None, taken: set[int]):
        """Without the records of days before `since` (µs) that have totals already; such a day is taken whole or not
        at all, for what counts in it can no longer be known."""
        since, zone = since or 0, settings.TIME_ZONE
        return [
            r for r in self.records if r.timestamp >= since or local_day(r.timestamp // SECOND_US, zone) not in taken
        ]


def taken_days(since: int | None) -> set[int]:
    """The local days before the kept detail that have totals."""
    if since is None:
        return set()
    closed = Day.objects.between(None, local_day(since // SECOND_US, settings.TIME_ZONE))
    return set(closed.filter(requests__gt=0).buckets())


class ImportWriter(Writer):
    """Stores items of a job; its position and counts are written in the same transaction as the events.

    Records older than the kept detail are stored too, but not counted: closing.py makes day totals of them.
    """

    def __init__(self, job: Import, slices: Slices):
        super().__init__()
        self.slices = slices
        self.job, self.imported, self.taken = job, job.id, taken_days(job.events_from)
        self._models = 0  # of which the catalogue was asked

    def take(self, items: list[Item], newest_first: bool = False):
        """Store a batch of items. Raises django.db.Error when the database is away, and LeaseLost; nothing is stored
        then.

        Models that are new here get their prices now: later all that follows would have to be counted again.
        """
        read = Read(items, self.job.arrived, newest_first)
        self.store_parsed(read)
        if (models := Model.objects.count()) != self._models:
            self._models = models
            price_all()

    def _store(self, parsed: Read):
        state, job = self._lock(), self.job
        self.slices.lock()  # what is stored after another run began, or an undoing, is in no count and stays
        if state.events_from != job.events_from:
            raise DetailMoved
        self._remember(state)
        wanted = parsed.untaken(state.events_from, self.taken)
        fresh, differing, _ = unseen(wanted, self.imported)
        folded, _ = self._add(fresh, state.events_from)
        self._tell(state, Stored(), folded)
        times = [record.timestamp for record in fresh]
        older = sum(time < (state.events_from or 0) for time in times)
        found = {
            "events": len(fresh),
            "older": older,
            "waiting": older,
            "known": len(wanted) - len(fresh),
            "differing": differing,
            "left_out": len(parsed.records) - len(wanted),
            "dead": bury(parsed.dead),
            "source_cost": sum(parsed.costs.get(record.fingerprint, 0) for record in fresh),
        }
        edges = [*times, *(edge for edge in (job.first, job.last) if edge is not None)]
        job.change(found, position=parsed.position, first=min(edges, default=None), last=max(edges, default=None))
